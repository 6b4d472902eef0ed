/** What all frameworks over `node:http` have in common: a request that is no `Request`, and an answer that is no `Response`. */

import type { Presented } from '../tokens/presented.ts'
import { type Refusal, refusalBody, refusalHeaders } from '../verdict.ts'

/** What the socket of a request may be; with TLS alone it has this. */
interface TlsSocket {
  readonly getPeerCertificate?: () => { readonly raw?: unknown } | null
}

/** An `IncomingMessage`, as far as it is read. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** Name, value, name, value: where a header that came twice is still there twice. */
  readonly rawHeaders: readonly string[]
  readonly socket: object
}

/** A `ServerResponse`, as far as it is written. */
export interface NodeResponse {
  readonly writeHead: (
    status: number,
    headers: { readonly [name: string]: string },
  ) => { readonly end: (body: string) => unknown }
}

/** `url` is the one the client asked for, where a router has shortened that of the message. */
export function presentedByNode(request: NodeRequest, url: string = request.url ?? '/'): Presented {
  return {
    method: request.method ?? 'GET',
    url,
    authorization: joined(request.rawHeaders, 'authorization'),
    dpop: joined(request.rawHeaders, 'dpop'),
    clientCertificate: certificateOf(request.socket),
  }
}

export function refuseOnNode(response: NodeResponse, refusal: Refusal): void {
  response.writeHead(refusal.status, refusalHeaders(refusal)).end(refusalBody(refusal))
}

/** As `Headers` joins them (RFC 9110 §5.3); `IncomingMessage.headers` would keep the first and hide the others. */
function joined(rawHeaders: readonly string[], name: string): string | null {
  const values = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)
  return values.length === 0 ? null : values.join(', ')
}

/** Whose key the handshake has proven. Whether anybody vouches for it does not matter: the token names this very certificate. */
function certificateOf(socket: object): Uint8Array | null {
  const raw = (socket as TlsSocket).getPeerCertificate?.()?.raw
  return raw instanceof Uint8Array ? raw : null
}
