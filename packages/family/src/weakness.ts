/** Which families rotation alone protects, so that the console, `pawl check` and the docs can say so. */

import type { Family } from './family.ts'

/** What weak means, for whoever meets the word on a page or in a terminal. */
export const weakSentence =
  'This family is weak: it belongs to a public client, is bound to no key and was not asked for with a retry key, so a ' +
  'thief who copied its token and follows every refresh inside the repeat window is not caught by rotation.'

/**
 * True when nothing but rotation protects the refresh tokens of this family. A family does not know its client, so the
 * caller says whether that is public. Before the code is redeemed nothing is settled, and a family without refresh
 * tokens has none to steal: neither is weak.
 */
export function isWeak(family: Family, isPublicClient: boolean): boolean {
  return isPublicClient && family.refreshable && family.generation > 0 && family.binding === null && !family.keyed
}
