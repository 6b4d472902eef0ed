/** Holds a situation against a profile. Pure: the same configuration and clients always get the same report. */

import { asvs5 } from './asvs5.ts'
import type { Always, CheckedProfile, Clause, Judgement, Situation } from './clause.ts'
import { fapi2 } from './fapi2.ts'
import { mcp } from './mcp.ts'
import { oauth21 } from './oauth21.ts'
import { rfc10017 } from './rfc10017.ts'

export const checkedProfiles = {
  'oauth2.1': oauth21,
  fapi2,
  rfc10017,
  mcp,
  asvs5,
} as const satisfies { readonly [name: string]: CheckedProfile }
export type CheckedProfileName = keyof typeof checkedProfiles
export const checkedProfileNames = Object.keys(checkedProfiles) as readonly CheckedProfileName[]

export type Finding = { readonly clause: string; readonly demand: string } & (
  | Judgement
  | ({ readonly state: 'always' } & Always)
)

export interface Report {
  readonly profile: CheckedProfileName
  readonly title: string
  readonly issuer: string
  readonly clients: number
  /** How many findings are failures. */
  readonly problems: number
  /** In the order of the clauses; of one clause, one for each client that breaks it. */
  readonly findings: readonly Finding[]
}

export function checkProfile(profile: CheckedProfileName, situation: Situation): Report {
  const { title, clauses } = checkedProfiles[profile]
  const findings = clauses.flatMap(clause => findingsOf(clause, situation))
  const problems = findings.filter(({ state }) => state === 'failed').length
  return { profile, title, issuer: situation.issuer, clients: situation.clients.length, problems, findings }
}

function findingsOf(clause: Clause, situation: Situation): readonly Finding[] {
  const about = { clause: clause.clause, demand: clause.demand }
  if ('always' in clause) return [{ ...about, state: 'always', ...clause.always }]
  return clause.judge(situation).map(judgement => ({ ...about, ...judgement }))
}
