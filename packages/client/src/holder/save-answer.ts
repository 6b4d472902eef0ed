/**
 * Storing what the server answered. The old token is spent by then, so this is done before anything else, tried again
 * when it fails, and held in memory when it cannot be done, until it can. A refresh token that is not stored is never
 * presented: so the store is at most one generation behind the server, and a crash costs one repeat.
 */

import { CustodyFailed } from './custody-failed.ts'
import type { Held } from './held.ts'
import { asCustodyFailure, type Inside, note, tellOutcome } from './inside.ts'
import { backoffMsBase, savesMax, turnsMax } from './limits.ts'
import { revokeToken } from './revoke.ts'
import type { Kept } from './vault.ts'

/**
 * `saved`: as it is. `adopted`: somebody stored the same step or a later one. `gone`: the grant was ended or replaced
 * meanwhile, and what was to be stored was revoked. `unsaved`: the store fails; it is held in memory.
 */
export type Saving =
  | { readonly kind: 'saved' | 'adopted'; readonly kept: Kept }
  | { readonly kind: 'gone' }
  | { readonly kind: 'unsaved'; readonly kept: Kept; readonly error: Error }

type Stored = Exclude<Saving, { readonly kind: 'unsaved' }>

/** Stores `kept` over the record of version `ifVersion`. Never rejects. */
export async function saveAnswer(inside: Inside, held: Held, kept: Kept, ifVersion: string): Promise<Saving> {
  let error: Error | null = null
  for (let attempt = 0; attempt < savesMax; attempt++) {
    if (attempt > 0) await inside.clock.wait(inside.chance() * backoffMsBase * 2 ** attempt)
    try {
      return await saveOnce(inside, held, kept, ifVersion)
    } catch (failure) {
      error = asCustodyFailure(held.name, failure)
    }
  }
  held.unsaved = { kept, ifVersion }
  return { kind: 'unsaved', kept, error: error ?? asCustodyFailure(held.name, null) }
}

/** Tries again to store what could not be stored before. Rejects with `CustodyFailed` when it still cannot be. */
export async function saveUnsaved(inside: Inside, held: Held): Promise<void> {
  if (held.unsaved === null) return
  const { kept, ifVersion } = held.unsaved
  const saving = await saveOnce(inside, held, kept, ifVersion)
  held.unsaved = null
  if (saving.kind !== 'gone')
    tellOutcome(inside, held, saving.kind === 'saved' ? 'recovered' : 'adopted', { requests: 0 })
}

async function saveOnce(inside: Inside, held: Held, kept: Kept, ifVersion: string): Promise<Stored> {
  const { vault } = inside
  let version = ifVersion
  for (let moves = 0; moves < turnsMax; moves++) {
    const saved = await vault.save(held.name, kept, version)
    if (saved !== null) return settled(inside, held, 'saved', saved)
    const there = await vault.load(held.name)
    // The store did what we asked before, and its acknowledgement was lost.
    if (there?.version === kept.version) return settled(inside, held, 'saved', there)
    if (there === null || there.grant.grantId !== kept.grant.grantId || there.grant.end !== null) {
      note(inside, held, there)
      revokeUnstored(inside, held, kept)
      return { kind: 'gone' }
    }
    if (there.grant.generation >= kept.grant.generation) return settled(inside, held, 'adopted', there)
    version = there.version
  }
  throw new CustodyFailed(held.name, 'moved each time it was to be saved')
}

function settled(inside: Inside, held: Held, kind: 'saved' | 'adopted', kept: Kept): Stored {
  note(inside, held, kept)
  return { kind, kept }
}

/** Signing out won the race: what came after it must not live on at the server. */
function revokeUnstored(inside: Inside, held: Held, { grant }: Kept): void {
  if (grant.refreshToken !== null) inside.inBackground(held.name, revokeToken(inside, grant.refreshToken))
}
