/**
 * What an endpoint sees and says, apart from any HTTP library. `node-listener.ts` and `fetch-listener.ts` translate; the
 * endpoints are functions from one of these to the other, so the hot path pays for nothing it does not use.
 */

import type { PresentedCertificate } from '../domain/certificate/presented-certificate.ts'

export interface HttpRequest {
  /** Upper case. */
  readonly method: string
  /** As sent, before any `?`; never decoded or normalised: `/%74oken` is not `/token`. */
  readonly path: string
  /** After the `?`, without it; empty when there is none. */
  readonly query: string
  /** Names in lower case. A header sent twice is joined as RFC 9110 §5.3 says, or refused where that is unsafe. */
  readonly headers: { readonly [name: string]: string | undefined }
  /** The whole body, at most `bodyBytesMax`; empty when there is none. */
  readonly body: Uint8Array
  /** The client's address: the socket's, or what a trusted proxy forwarded. */
  readonly address: string
  /** What the client showed of itself in TLS, here or before a trusted proxy. */
  readonly certificate?: PresentedCertificate | null
}

export interface HttpResponse {
  readonly status: number
  readonly headers: { readonly [name: string]: string | readonly string[] }
  readonly body: string
}

export const bodyBytesMax = 65_536

export const bodyless: Uint8Array = new Uint8Array(0)
