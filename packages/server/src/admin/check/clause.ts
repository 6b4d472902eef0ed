/**
 * What `pawl check` is made of: the clauses of a profile, each judged by what is configured and registered. A clause that
 * no configuration can break says so, and names the tests that prove it; `test/check.test.ts` looks for them.
 */

import type { Client } from '../../domain/client/client.ts'
import type { Resource } from '../../domain/resource/resource.ts'

/** What a server with these settings would be, and whom it serves. */
export interface Situation {
  readonly issuer: string
  readonly settings: CheckedSettings
  /** As the server publishes it. */
  readonly metadata: { readonly [name: string]: unknown }
  /** Those that may ask for anything. */
  readonly clients: readonly Client[]
  readonly resources: readonly Resource[]
}

/** The settings that a clause of some profile depends on. */
export interface CheckedSettings {
  /** The issuer is on loopback. */
  readonly development: boolean
  readonly codeSeconds: number
  readonly sessionSeconds: number
  readonly dpopNonces: boolean
  readonly requirePushedRequests: boolean
  readonly requireSignedRequests: boolean
  readonly registration: 'off' | 'token' | 'open'
  readonly resources: 'registered' | 'any'
  readonly clientDocumentHosts: readonly string[]
  readonly statusLists: boolean
  readonly passwordChangeEnds: 'others' | 'none' | 'all'
  readonly tlsCert: string | null
}

export type Clause = { readonly clause: string; readonly demand: string } & (
  | { readonly always: Always }
  | { readonly judge: (situation: Situation) => readonly Judgement[] }
)

export interface CheckedProfile {
  readonly title: string
  readonly clauses: readonly Clause[]
}

export interface Always {
  readonly reason: string
  /** How the titles begin of the tests that prove it, with the file in front where it takes one: ``` `FILE`: words ```. */
  readonly tests: readonly string[]
}

export type Judgement =
  | { readonly state: 'met'; readonly reason: string }
  | { readonly state: 'failed'; readonly reason: string; readonly change: string; readonly client: string | null }
  | { readonly state: 'not_applicable'; readonly reason: string }
  /** It depends on what lies outside of Pawl; the reason says on what. */
  | { readonly state: 'unseen'; readonly reason: string }

export function met(reason: string): readonly Judgement[] {
  return [{ state: 'met', reason }]
}

export function failed(reason: string, change: string): readonly Judgement[] {
  return [{ state: 'failed', reason, change, client: null }]
}

export function notApplicable(reason: string): readonly Judgement[] {
  return [{ state: 'not_applicable', reason }]
}

export function unseen(reason: string): readonly Judgement[] {
  return [{ state: 'unseen', reason }]
}

/** Met where the condition holds, failed with what to change where it does not. */
export function either(
  holds: boolean,
  words: { readonly met: string; readonly failed: string; readonly change: string },
) {
  return holds ? met(words.met) : failed(words.failed, words.change)
}

/** What is wrong with one client, as the end of a sentence about it, and what to do. */
export interface ClientFault {
  readonly reason: string
  readonly change: string
}

/** One failure for each client with a fault; met where none has one, not applicable where there is none to look at. */
export function eachClient(
  clients: readonly Client[],
  judge: (client: Client) => ClientFault | null,
  words: { readonly met: string; readonly none: string },
): readonly Judgement[] {
  if (clients.length === 0) return notApplicable(words.none)
  const faults = clients.flatMap(client => {
    const fault = judge(client)
    return fault === null ? [] : [{ state: 'failed' as const, client: client.id, ...fault }]
  })
  return faults.length === 0 ? met(words.met) : faults
}

export function usesCode({ grantTypes }: Client): boolean {
  return grantTypes.includes('authorization_code')
}

export function refreshes({ grantTypes }: Client): boolean {
  return grantTypes.includes('refresh_token')
}
