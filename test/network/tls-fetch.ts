/** `fetch` over TLS that trusts one authority and shows one certificate, or none: what Node's own cannot be told to do. */

import { request } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { ClientCertificate } from './client-certificates.ts'

export interface TlsMeans {
  readonly authority: ClientCertificate
  /** What is shown where the server asks. */
  readonly certificate?: ClientCertificate
  /** In the place of name servers. */
  readonly lookup?: LookupFunction
}

/** Every name is this machine. */
export const toLoopback: LookupFunction = (_name, options, answer) => {
  if (options.all === true) answer(null, [{ address: '127.0.0.1', family: 4 }])
  else answer(null, '127.0.0.1', 4)
}

export type TlsFetch = (url: string, options: RequestInit) => Promise<Response>

export function tlsFetch({ authority, certificate, lookup }: TlsMeans): TlsFetch {
  const shown = certificate === undefined ? {} : { cert: certificate.pem, key: certificate.privateKey }
  return async (url, options) => {
    const asked = new Request(url, options)
    const body = Buffer.from(await asked.arrayBuffer())
    const headers = { ...Object.fromEntries(asked.headers), 'content-length': String(body.length) }
    const means = {
      method: asked.method,
      headers,
      ca: authority.pem,
      agent: false,
      ...(lookup && { lookup }),
      ...shown,
    }
    return new Promise((resolve, reject) => {
      const sent = request(url, means, answer => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('error', reject)
        answer.on('end', () => {
          const told = Object.entries(answer.headers).flatMap(([name, value = '']) =>
            [value].flat().map((one): [string, string] => [name, one]),
          )
          resolve(new Response(Buffer.concat(parts), { status: answer.statusCode ?? 0, headers: told }))
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }
}
