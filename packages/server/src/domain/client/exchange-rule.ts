/**
 * What a client may exchange for what (RFC 8693), each rule with all that the ones before it allow. Nothing unless an
 * operator says so.
 */

export const exchangeRules = [
  'none',
  /** Its own refresh token for a branch: another family under the same grant. */
  'branching',
  /** An access token that was sent to it for one to somebody else, which names it as the actor. */
  'delegation',
  /** The same without a trace of it in the token, unless it names an actor. */
  'impersonation',
] as const
export type ExchangeRule = (typeof exchangeRules)[number]

/** True where the rule allows it. */
export function allows(rule: ExchangeRule, wanted: ExchangeRule): boolean {
  return exchangeRules.indexOf(rule) >= exchangeRules.indexOf(wanted)
}
