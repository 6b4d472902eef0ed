/** A stage whose requests carry a client certificate, as a listener hands it on. */

import type { PresentedCertificate } from '../../packages/server/src/domain/certificate/presented-certificate.ts'
import { certificateReader } from '../../packages/server/src/http/client-certificates.ts'
import type { HttpRequest, HttpResponse } from '../../packages/server/src/http/exchange.ts'
import type { Ground } from './browser.ts'
import type { Stage } from './stage.ts'

/** What a listener of this stage makes of a certificate that nobody vouches for. */
export function readCertificate(stage: Stage, der: Uint8Array): PresentedCertificate {
  const reader = certificateReader({ authorities: [], header: null, nowMs: stage.clock.nowMs })
  const certificate = reader.ofDer(der)
  if (certificate === null) throw new Error('no certificate')
  return certificate
}

/** The same server, to requests that come with this certificate, or with none. */
export function showing(stage: Stage, certificate: PresentedCertificate | null): Ground {
  return {
    issuer: stage.issuer,
    send: async (path, init = {}, address = '203.0.113.7') => {
      const request = new Request(new URL(path, stage.issuer), init)
      return responseOf(await stage.pawl.handle({ ...(await requestOf(request)), address, certificate }))
    },
  }
}

async function requestOf(request: Request): Promise<Omit<HttpRequest, 'address'>> {
  const { pathname, search } = new URL(request.url)
  return {
    method: request.method,
    path: pathname,
    query: search.slice(1),
    headers: Object.fromEntries(request.headers),
    body: new Uint8Array(await request.arrayBuffer()),
  }
}

function responseOf({ status, headers, body }: HttpResponse): Response {
  const sent = new Headers()
  for (const [name, value] of Object.entries(headers)) for (const one of [value].flat()) sent.append(name, one)
  return new Response(body, { status, headers: sent })
}
