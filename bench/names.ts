/** The names by which the bench's flags, figures and page call the programs that it compares. */

/** On SQLite. `-2` is two processes, or workers, on one database; `-plain` a transaction for each write. */
export const sqliteNames = [
  'limit',
  'limit-2',
  'oidc-provider',
  'oidc-provider-plain',
  'node-oauth',
  'node-oauth-plain',
  'jmondi',
  'jmondi-plain',
  'better-auth',
  'pawl',
  'pawl-2',
] as const

export const postgresNames = [
  'limit-pg',
  'limit-pg-2',
  'oidc-provider-pg',
  'oidc-provider-pg-2',
  'node-oauth-pg',
  'jmondi-pg',
  'better-auth-pg',
  'pawl-pg',
  'pawl-pg-2',
] as const

export const contenderNames = [...sqliteNames, ...postgresNames] as const
export type ContenderName = (typeof contenderNames)[number]

/** Programs from packages that only the bench needs: `bench/peers` has a lock file of its own. */
export function isPeer(name: ContenderName): boolean {
  return /^(?:node-oauth|jmondi|better-auth)/.test(name)
}
