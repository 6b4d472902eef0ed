/**
 * Several connections of one application: to several servers, or to one server for several tools, tenants or products. Each
 * has a redirect URI of its own, so that an answer to one is never taken for an answer to another, whatever is written in
 * it (RFC 9700 §4.4.2.2); with one address for all, somebody who gets a person to begin one connection can have them
 * finish another.
 */

import { isSameRedirectUri } from '@pawl/protocol'
import type { Custody } from '../holder/holder.ts'
import type { SignInWishes } from './authorization-request.ts'
import { SignInFailed } from './failures.ts'
import { type BegunSignIn, beginSignIn, finishSignIn } from './sign-in.ts'
import { redirectPlace } from './redirect-place.ts'
import type { SignedIn } from './signed-in.ts'

export interface Connection {
  readonly custody: Custody
  readonly redirectUri: string
}

export interface Connections {
  /** Throws a `RangeError` for a name that there is none of. */
  begin(name: string, wishes: Omit<SignInWishes, 'redirectUri'>): Promise<BegunSignIn>
  /** Finishes at the connection whose address it is, and says which. Rejects with `SignInFailed` where it is of none. */
  finish(transaction: string, currentUrl: string | URL): Promise<FinishedConnection>
}

export interface FinishedConnection {
  readonly name: string
  readonly signedIn: SignedIn
}

/**
 * Throws a `RangeError` when two connections have one redirect URI, or differ in nothing but what does not come back to
 * it: query, or port of a loopback address.
 */
export function connect(connections: { readonly [name: string]: Connection }): Connections {
  const all = new Map(Object.entries(connections))
  for (const [name, { redirectUri }] of all) {
    const place = redirectPlace(redirectUri)
    const [twin] =
      [...all].find(([other, each]) => other !== name && isSameRedirectUri(redirectPlace(each.redirectUri), place)) ??
      []
    if (twin !== undefined) throw new RangeError(`connections '${name}' and '${twin}' need different redirect URIs`)
  }
  return {
    begin: async (name, wishes) => {
      const found = all.get(name)
      if (found === undefined) throw new RangeError(`there is no connection '${name}'`)
      return beginSignIn(found.custody, { ...wishes, redirectUri: found.redirectUri })
    },
    finish: async (transaction, currentUrl) => {
      const place = redirectPlace(currentUrl)
      const [name, found] = [...all].find(([, { redirectUri }]) => redirectPlace(redirectUri) === place) ?? []
      if (name === undefined || found === undefined) {
        throw new SignInFailed('not_ours', 'no connection takes answers at this address')
      }
      return { name, signedIn: await finishSignIn(found.custody, transaction, currentUrl) }
    },
  }
}
