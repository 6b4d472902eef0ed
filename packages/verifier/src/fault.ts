/** Why a request is refused, inside the package: the guard alone turns it into status and challenge. */

import type { RefusalCode } from './verdict.ts'

export interface Fault {
  readonly code: RefusalCode | null
  /** A sentence for the log, without anything of the token. */
  readonly reason: string
  /** The scheme that would be right, where it is not the one that was used. */
  readonly scheme?: 'Bearer' | 'DPoP'
}

export function fault(code: RefusalCode | null, reason: string): Fault {
  return { code, reason }
}

export function isFault(value: object): value is Fault {
  return 'reason' in value && 'code' in value
}

/** Something that is needed to judge could not be had. Nothing is said of the token: the request may be sent again. */
export class ServerUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ServerUnavailable'
  }
}

/** The guard was set up in a way that would let in what it should not, or can never work. The sentence says what to change. */
export class GuardMisconfigured extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'GuardMisconfigured'
  }
}
