/**
 * The two verbs the whole product stands on. The store holds no rule: it reads a row with everything a decision needs,
 * and it writes a row if nobody wrote it since. The loop over the two is `step.ts`.
 */

import type {
  ClientId,
  CutOffs,
  Family,
  FamilyId,
  GrantId,
  Interruption,
  SessionId,
  StepId,
  Subject,
} from '@pawl/family'
import type { CutOff } from '../cut-off/cut-off.ts'
import type { AuditEvent } from '../event/event.ts'
import type { Mark } from '../mark/mark-store.ts'

export interface FamilyReading {
  readonly family: Family
  readonly cutOffs: CutOffs
  /** The store's time. Never goes back, on any node. */
  readonly nowMs: number
  /** Times in which the store answered nobody, the oldest first. */
  readonly interruptions: readonly Interruption[]
}

export interface FamilyStep {
  /** The step id that was read. The write happens only where the row still carries it. */
  readonly readAt: StepId
  /** The family as it must be saved, with a fresh step id. */
  readonly family: Family
  readonly events: readonly AuditEvent[]
  /** What the step ends beyond its own row. */
  readonly cutOffs: readonly CutOff[]
  /** What the step takes along, so that it is done once: a DPoP proof, for one. */
  readonly mark?: Mark | null
  /** A branch that the step opens in the same transaction. One of this id that is there already stays as it is. */
  readonly opens?: Family | null
}

export interface FamilyFilter {
  readonly clientId?: ClientId
  readonly subject?: Subject
  readonly sessionId?: SessionId
  /** Only families that have not ended and not run out. */
  readonly livingOnly?: boolean
  /** Families after this id, in id order. */
  readonly after?: FamilyId
}

export interface FamilyStore {
  /** Null when there is no such row: the family never was, or is long over and swept. */
  read(id: FamilyId): Promise<FamilyReading | null>
  /**
   * Whether there is no such row, and that is durable. What `read` finds may not have reached a copy that takes over one
   * day, or may be what a server of old tells: nothing is acknowledged by it.
   */
  isGone(id: FamilyId): Promise<boolean>
  /** Saves a new family with its event. `moved`: a family of this id is there already, and nothing was written. */
  open(family: Family, events: readonly AuditEvent[]): Promise<'done' | 'moved'>
  /**
   * Saves the step if the row still stands where it was read and its mark, if it has one, is not taken; resolves only once
   * that is durable (I2). `marked`: the mark was taken before, whatever has become of the row. Nothing was written then.
   */
  commit(step: FamilyStep): Promise<'done' | 'moved' | 'marked'>
  list(filter: FamilyFilter, limit: number): Promise<readonly FamilyReading[]>
  /** Living grants of one user and client, for the cap on them. One that was branched counts once. */
  countLiving(subject: Subject, clientId: ClientId): Promise<number>
  /** Of one grant, without the family it began with. */
  countBranches(grantId: GrantId): Promise<BranchCount>
}

export interface BranchCount {
  readonly living: number
  /** Those that are over too, until they are swept. */
  readonly kept: number
}
