/**
 * How an ask for an access token can fail, beside `CustodyFailed`. Four kinds, because there are four things an application
 * can do: send the person to sign in, try again later, mend its configuration, look after its store. No message contains
 * a token.
 */

import type { EndReason } from '../custody/kept-grant.ts'

/** The grant is over, or there never was one: ask the person to sign in. Only this one means that a token is gone. */
export class SignInNeeded extends Error {
  readonly grant: string
  readonly reason: EndReason | 'absent'

  constructor(grant: string, reason: EndReason | 'absent') {
    super(`grant '${grant}': ${reason === 'absent' ? 'nothing is kept' : `ended (${reason})`}; sign in again`)
    this.name = 'SignInNeeded'
    this.grant = grant
    this.reason = reason
  }
}

/** The server or the way to it did not answer. The token is kept; the same call may work after `retryAfterMs`. */
export class RefreshPostponed extends Error {
  readonly grant: string
  readonly retryAfterMs: number

  constructor(grant: string, retryAfterMs: number, options?: ErrorOptions) {
    super(`grant '${grant}': the server did not answer; the token is kept`, options)
    this.name = 'RefreshPostponed'
    this.grant = grant
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * The server understood and refused for a reason that no sign-in mends: the client's credentials, a scope, a resource,
 * an answer against the protocol. The token is kept.
 */
export class RefreshRefused extends Error {
  readonly grant: string
  /** The error code of RFC 6749 §5.2 and its extensions, or `invalid_response`. */
  readonly code: string

  constructor(grant: string, code: string, options?: ErrorOptions) {
    super(`grant '${grant}': the server refused (${code}); the token is kept`, options)
    this.name = 'RefreshRefused'
    this.grant = grant
    this.code = code
  }
}
