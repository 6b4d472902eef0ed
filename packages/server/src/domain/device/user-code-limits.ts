/**
 * How many wrong user codes are borne. With these, somebody who tries all day from one network hits one of a thousand
 * waiting devices once in about fifteen years, and what they hit they can only sign in to their own account.
 */

import type { Limit } from '../throttle/throttle.ts'

const windowSeconds = 900
export const wrongCodesPerBrowserMax = 10
export const wrongCodesPerSessionMax = 10
export const wrongCodesPerNetworkMax = 50

export interface CodeTyper {
  readonly browserHash: string
  readonly sessionId: string | null
  readonly network: string
}

/** Narrowest first, as `charge` wants them. */
export function userCodeLimits(keyOf: (purpose: string, text: string) => string, who: CodeTyper): readonly Limit[] {
  const limit = (name: string, of: string, failuresMax: number): Limit => {
    return { name, key: keyOf('user codes', `${name} ${of}`), failuresMax, windowSeconds }
  }
  const bySession = who.sessionId === null ? [] : [limit('session', who.sessionId, wrongCodesPerSessionMax)]
  const byBrowser = limit('browser', who.browserHash, wrongCodesPerBrowserMax)
  return [...bySession, byBrowser, limit('network', who.network, wrongCodesPerNetworkMax)]
}
