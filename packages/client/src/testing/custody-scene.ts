/** What the proofs of a store share: the ground they stand on, what they write, and how they say that a store is none. */

import { encodeBase64Url } from '../custody/custody-key.ts'
import type { CustodyStore, KeptRecord } from '../custody/custody-store.ts'
import { drawBytes } from '../custody/entropy.ts'

/** Where a store keeps its records. */
export interface CustodyGround {
  /**
   * One more view of the same records, as another process or tab has it: views should have nothing in common but what is
   * stored. Where a store is one object, as in memory, each call gives the same.
   */
  readonly open: () => Promise<CustodyView>
  /**
   * Lets so many seconds pass for leases and records: for stores whose clock is injected. Without it the proofs take what
   * lasts a fraction of a second, and ask again until it is over by the store's own clock.
   */
  readonly passSeconds?: (seconds: number) => void | Promise<void>
  /** What the store's clock says; the machine's says the same unless it is given. */
  readonly nowMs?: () => number | Promise<number>
}

export interface CustodyView {
  readonly store: CustodyStore
  /** What was acknowledged must outlive it. */
  readonly close: () => Promise<void>
}

/** The store does what no store may do. */
export class CustodyDisproved extends Error {
  constructor(what: string, options?: ErrorOptions) {
    super(what, options)
    this.name = 'CustodyDisproved'
  }
}

/** What a proof is given. */
export interface CustodyScene {
  readonly ground: CustodyGround
  /** A name that nobody used before, which begins like this. */
  readonly newName: (beginning?: string) => string
  /** A view that is closed when the proof is over. */
  readonly view: () => Promise<CustodyStore>
  readonly views: (count: number) => Promise<readonly CustodyStore[]>
}

export type CustodyCase = (scene: CustodyScene) => Promise<void>

/** Cases by their sentences. */
export interface CustodyCases {
  readonly [sentence: string]: CustodyCase
}

/** Two views, one to write and one to look. */
export async function pairOfViews(scene: CustodyScene): Promise<readonly [CustodyStore, CustodyStore]> {
  return [await scene.view(), await scene.view()]
}

/** 22 base64url characters that were never used, as a writer draws them. */
export function newVersion(): string {
  return encodeBase64Url(drawBytes(16))
}

/** A record as a holder seals it, with a version of its own. */
export function newRecord(sealed = 'pc1.AAAAAAAA.text'): KeptRecord {
  return { version: newVersion(), sealed }
}

/** Rejects with `CustodyDisproved` unless both are the same text, number or null. */
export function expectSame(
  actual: string | number | boolean | null | undefined,
  expected: string | number | boolean | null,
  what: string,
): void {
  if (actual !== expected) throw new CustodyDisproved(`${what}: expected ${String(expected)}, got ${shown(actual)}`)
}

export function expectTrue(isSo: boolean, what: string): void {
  if (!isSo) throw new CustodyDisproved(what)
}

/** What is kept under the name is exactly this. */
export async function expectKept(store: CustodyStore, name: string, expected: KeptRecord | null): Promise<void> {
  const kept = await store.load(name)
  if (expected === null) return expectSame(kept?.version ?? null, null, 'nothing should be kept')
  expectSame(kept?.version, expected.version, 'the version that is kept')
  expectSame(kept?.sealed, expected.sealed, 'the sealed text that is kept')
}

const shownCharactersMax = 80

function shown(value: string | number | boolean | null | undefined): string {
  return String(value).slice(0, shownCharactersMax)
}
