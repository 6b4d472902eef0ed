/**
 * What has to be remembered between sending a person to the server and seeing them come back, as one sealed text for the
 * place that only this person's browser has: a cookie (`HttpOnly; Secure; SameSite=Lax`) or `sessionStorage`. That place is
 * what ties the answer to the browser that asked (RFC 9700 §4.7): an answer that somebody else began finds no transaction
 * there, or another one. It is bound to issuer and client by the seal, and good for ten minutes.
 */

import type { Place } from '../custody/custody-key.ts'
import { type HolderClock, machineClock } from '../holder/clock.ts'
import type { Custody } from '../holder/holder.ts'
import { issuerOf } from '../holder/server.ts'
import { SignInFailed } from './failures.ts'

export interface Transaction {
  readonly state: string
  /** Null without `openid`. */
  readonly nonce: string | null
  readonly codeVerifier: string
  readonly redirectUri: string
  readonly scope: string | null
  /** What the first access token is for. */
  readonly resource: string | null
  readonly maxAgeSeconds: number | null
  readonly essentialAcr: readonly string[] | null
  /** Who it must be that comes back, where the application knows. */
  readonly expectedSubject: string | null
  /** The answer was asked for as a signed JWT (JARM). */
  readonly isSigned: boolean
  readonly dpop: TransactionKey | null
  readonly carried: string | null
  readonly expiresAtMs: number
}

/** The DPoP key itself, or its name in a store that keeps keys. */
export type TransactionKey =
  | { readonly kind: 'carried'; readonly jwk: JsonWebKey }
  | { readonly kind: 'kept'; readonly name: string }

export const transactionSeconds = 600

export function newTransactionExpiryMs({ clock = machineClock }: { readonly clock?: HolderClock }): number {
  return clock.nowMs() + transactionSeconds * 1000
}

export function sealTransaction(custody: Custody, transaction: Transaction): Promise<string> {
  return custody.custodyKey.seal(JSON.stringify(transaction), placeOf(custody))
}

/** Rejects with `SignInFailed`: `not_ours` for one that was sealed elsewhere, `expired` for one that is too old. */
export async function openTransaction(custody: Custody, sealed: string): Promise<Transaction> {
  const { clock = machineClock } = custody
  let text: string
  try {
    text = await custody.custodyKey.open(sealed, placeOf(custody))
  } catch (cause) {
    throw new SignInFailed('not_ours', 'this transaction was not begun here', { cause })
  }
  // What opens was sealed by us, and is what we wrote.
  const transaction = JSON.parse(text) as Transaction
  if (clock.nowMs() >= transaction.expiresAtMs) throw new SignInFailed('expired', 'this sign-in took too long')
  return transaction
}

/** No version of a grant looks like this one, so that neither ever opens in the place of the other. */
function placeOf(custody: Custody): Place {
  const { client_id: clientId } = custody.client
  return { issuer: issuerOf(custody), clientId, name: 'sign-in', version: 'transaction' }
}
