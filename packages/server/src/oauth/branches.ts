/** What else ends where one family of a grant does. Most grants have one family, and then nothing does. */

import type { Family } from '@pawl/family'
import type { CutOff } from '../domain/cut-off/cut-off.ts'
import type { AuthorizationServer } from './authorization-server.ts'

/** The family that a grant began with takes its branches along; a branch goes alone. */
export async function withBranches(server: AuthorizationServer, family: Family, by: string): Promise<CutOff[]> {
  return family.branch === null ? wholeGrant(server, family, by) : []
}

/** Every family of the grant. Empty where it has no branch: no cut-off is kept for nothing. */
export async function wholeGrant(server: AuthorizationServer, { grant }: Family, by: string): Promise<CutOff[]> {
  if ((await server.store.families.countBranches(grant.id)) === 0) return []
  const target = { kind: 'grant', grantId: grant.id } as const
  return [{ target, reason: 'a family of the grant has ended', by, beforeMs: null }]
}
