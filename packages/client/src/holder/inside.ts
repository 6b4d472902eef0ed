/** The parts of one holder, built once by `hold-grants.ts` and handed to everything inside. */

import type { AuthorizationServer } from 'oauth4webapi'
import type { HolderClock } from './clock.ts'
import { CustodyFailed } from './custody-failed.ts'
import { SignInNeeded } from './failures.ts'
import type { Held } from './held.ts'
import type { Counter, Custody, HolderEvent, HolderLimits, HolderOptions, RefreshOutcome } from './holder.ts'
import type { Kept, Vault } from './vault.ts'

export interface Inside {
  readonly custody: Custody
  readonly vault: Vault
  readonly limits: HolderLimits
  readonly clock: HolderClock
  readonly chance: () => number
  readonly server: () => Promise<AuthorizationServer>
  /** By how much the issuer's clock is ahead of ours, as it last said. */
  readonly skew: Skew
  readonly tell: (event: HolderEvent) => void
  /** What nobody waits for, until `close` does. */
  readonly inBackground: (grant: string, work: Promise<unknown>) => void
}

export interface Skew {
  ms: number
  /** Before the first answer of the server what a record says is as good as anything. */
  isMeasured: boolean
}

export function issuerNowMs({ clock, skew }: Inside): number {
  return clock.nowMs() + skew.ms
}

/** Notes what was seen in the store; draws anew how far ahead the next renewal begins. */
export function note(inside: Inside, held: Held, kept: Kept | null): void {
  if (kept?.version !== held.kept?.version) {
    held.renewShare = inside.limits.renewAheadShare * (0.75 + inside.chance() / 2)
  }
  if (kept !== null && !inside.skew.isMeasured) inside.skew.ms = kept.grant.skewMs
  held.kept = kept
  held.readAtMs = inside.clock.nowMs()
}

/** The record as the store has it now. */
export async function reread(inside: Inside, held: Held): Promise<Kept | null> {
  const kept = await inside.vault.load(held.name)
  note(inside, held, kept)
  return kept
}

export function demandLiving(name: string, kept: Kept | null): Kept {
  if (kept === null) throw new SignInNeeded(name, 'absent')
  if (kept.grant.end !== null) throw new SignInNeeded(name, kept.grant.end.reason)
  return kept
}

/** Counts outcomes and hands events on. A listener that throws surfaces as an uncaught error, never inside a refresh. */
export function teller({ onEvent, meter }: HolderOptions): (event: HolderEvent) => void {
  const refreshes: Counter | undefined = meter?.createCounter('pawl.client.refreshes', {
    description: 'Refreshes of grants, by how they came out',
  })
  return event => {
    if (event.kind === 'refresh') refreshes?.add(1, { outcome: event.outcome })
    if (onEvent !== undefined) {
      try {
        onEvent(event)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}

export function tellOutcome(
  inside: Inside,
  held: Held,
  outcome: RefreshOutcome,
  told: { requests: number; error?: unknown },
): void {
  inside.tell({ kind: 'refresh', grant: held.name, outcome, ...told })
}

/** The store's failure, whatever it was thrown as. */
export function asCustodyFailure(name: string, error: unknown): CustodyFailed {
  return error instanceof CustodyFailed ? error : new CustodyFailed(name, 'could not be kept', { cause: error })
}
