/**
 * The parts an operator's work needs, whoever asks for it: the command line today, the admin API tomorrow. No signing
 * keys and no listener, so that a command starts fast.
 */

import type { Entropy } from '../domain/entropy.ts'
import type { AuditEvent, EventDetail, EventKind } from '../domain/event/event.ts'
import { type Caller, type EventAbout, newEvent, operator } from '../domain/event/new-event.ts'
import { familySteps, type StepFamily } from '../domain/family/step.ts'
import type { KeyedHasher } from '../domain/keys/keyed-hash.ts'
import type { Sealer } from '../domain/keys/seal.ts'
import type { Outbound } from '../domain/outbound/outbound.ts'
import type { Store } from '../domain/store.ts'
import type { PasswordHasher } from '../domain/user/password.ts'

export interface Workbench {
  readonly store: Store
  readonly entropy: Entropy
  readonly hasher: KeyedHasher
  readonly sealer: Sealer
  readonly passwords: PasswordHasher
  readonly stepFamily: StepFamily
  /** The only way to anybody outside. */
  readonly outbound: Outbound
  /** How long the first signing key of an algorithm is published before it signs. */
  readonly firstKeyPublishSeconds: number
  /** The operator, as the audit log calls them. */
  readonly operator: Operator
}

export interface Operator {
  /** A login name, such as `alice`. */
  readonly name: string
  readonly caller: Caller
}

/** Lays out the parts for one operator, whose name stands in every event they cause. */
export function workbenchOf(parts: Omit<Workbench, 'stepFamily' | 'operator'>, operatorName: string): Workbench {
  const { store, entropy } = parts
  const caller = { ...operator, userAgent: `pawl, operated by ${operatorName}` }
  const stepFamily = familySteps(store.families, entropy)
  const named = { name: operatorName, caller }
  const { hasher, sealer, passwords, outbound, firstKeyPublishSeconds } = parts
  const means = { store, entropy, hasher, sealer, passwords, outbound, firstKeyPublishSeconds }
  return { ...means, stepFamily, operator: named }
}

/** What cannot be done as asked: something is not there, or is taken. The message is a sentence for the operator. */
export class AdminRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AdminRefused'
  }
}

/** The input itself is wrong: a value out of range, two that do not go together. Each message is a sentence. */
export class InputRefused extends Error {
  constructor(messages: readonly string[], options?: ErrorOptions) {
    super(messages.join('\n'), options)
    this.name = 'InputRefused'
  }
}

/** How often a change is tried against a row that somebody else keeps changing. */
export const changeAttemptsMax = 8

/** An event of the operator's doing. */
export function operatorEvent(
  workbench: Workbench,
  kind: EventKind,
  about: EventAbout & { readonly atMs: number; readonly detail?: EventDetail },
): AuditEvent {
  const { caller, name } = workbench.operator
  return newEvent(kind, { ...about, caller, detail: { ...about.detail, by: name } }, workbench.entropy)
}

/** Reads, changes and saves until nobody was in between; gives up with a sentence after `changeAttemptsMax`. */
export async function retryWhileMoved<T>(attempt: () => Promise<T | 'moved'>): Promise<T> {
  for (let tries = 0; tries < changeAttemptsMax; tries++) {
    const outcome = await attempt()
    if (outcome !== 'moved') return outcome
  }
  throw new AdminRefused('Somebody else keeps changing the same thing: try again.')
}
