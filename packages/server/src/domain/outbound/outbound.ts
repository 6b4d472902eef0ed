/**
 * The only way out. Whatever this server fetches from others or posts to them goes through this port, and most of the
 * addresses were written by strangers: a request that reaches a network of ours is an attack (RFC 9700 has no word for
 * it, OWASP calls it SSRF). `outbound/` keeps the promises; nobody else opens a connection but to the database.
 */

export interface OutboundRequest {
  /** https; on a loopback issuer also http, to loopback alone. */
  readonly url: string
  readonly method: 'GET' | 'POST'
  /** `host`, `accept-encoding`, `content-length` and `connection` are not the caller's to say. */
  readonly headers?: { readonly [name: string]: string }
  readonly body?: string
  /** Of the answer's body. A longer one is refused, never cut. */
  readonly bytesMax: number
  /** From the call to the last byte. */
  readonly secondsMax: number
  /** A stranger can have it sent, as often as they like: such requests never take all the room there is. */
  readonly forStranger?: boolean
  /** Media types a 2xx answer may have, in lower case; `+json` stands for every type with that suffix (RFC 6839 §3.1). */
  readonly accept?: readonly string[]
}

export interface OutboundAnswer {
  /** Never 1xx or 3xx: a redirect is refused, so that nobody has to remember not to follow it. */
  readonly status: number
  /** Names in lower case; one that came several times is joined by commas. */
  readonly headers: { readonly [name: string]: string | undefined }
  readonly body: Uint8Array
}

export interface Outbound {
  /**
   * Sends one request to one address that was judged after the name was resolved, over verified TLS, without proxy,
   * cookie, redirect or compression. Rejects with `OutboundRefused` for what we will not do, and with `OutboundFailed`
   * where the other side did not answer; with nothing else.
   */
  readonly send: (request: OutboundRequest) => Promise<OutboundAnswer>
  /**
   * A half sentence that says why this URL is not taken from its author, or null. Nothing is resolved for it. `send` knows
   * no authors, so whatever a stranger wrote is judged here before it is kept.
   */
  readonly judge: (url: string, author: UrlAuthor) => string | null
}

/** Whose word it is that something may be sent there. A stranger's never leads to the operator's own hosts. */
export type UrlAuthor = 'operator' | 'stranger'

export type OutboundRefusal =
  /** The URL has a scheme, a host or user information that is not taken. */
  | 'url'
  /** The name leads to an address that is not on the public internet. */
  | 'address'
  | 'redirect'
  /** The body is longer than `bytesMax`. */
  | 'size'
  /** The answer is compressed, or of a media type that was not asked for. */
  | 'type'
  /** `secondsMax` went by. */
  | 'time'
  /** Too many requests are under way, to this host or in all. */
  | 'busy'

/** We do not send this, or do not take the answer. The message may stand in a log: it names the host, never a path. */
export class OutboundRefused extends Error {
  readonly reason: OutboundRefusal

  constructor(reason: OutboundRefusal, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OutboundRefused'
    this.reason = reason
  }
}

/** Nobody answered: no such name, no connection, no valid certificate, or an answer broken off. Trying later may help. */
export class OutboundFailed extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OutboundFailed'
  }
}

/** True of the two errors that `send` rejects with. */
export function isOutboundError(error: unknown): error is OutboundRefused | OutboundFailed {
  return error instanceof OutboundRefused || error instanceof OutboundFailed
}
