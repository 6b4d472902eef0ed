/** What tells one lease or one lock from every other: drawn, so that nobody gives back what somebody else has. */

import { encodeBase64Url } from '../custody/custody-key.ts'
import { drawBytes } from '../custody/entropy.ts'

const tokenBytes = 16

/** 22 base64url characters. */
export function newLeaseToken(): string {
  return encodeBase64Url(drawBytes(tokenBytes))
}

/** The same as 32 hexadecimal digits, for file systems that make no difference between `a` and `A`. */
export function newFileToken(): string {
  return Array.from(drawBytes(tokenBytes), byte => byte.toString(16).padStart(2, '0')).join('')
}
