/**
 * A million random steps of owners, tabs, thieves, operators, clocks and a failing store, against a ledger that knows
 * nothing of rows and rings: it keeps every use since the beginning and reads the verdict table from that. Each world
 * has its own seed; a failure names it, and `PAWL_SEED=… node --test` plays that world first.
 */

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type CutOffs, noCutOffs } from './cut-offs.ts'
import { expiresAtMs } from './expiry.ts'
import { type Binding, type EndReason, endFamily, type Family, openFamily } from './family.ts'
import { grant, opening } from './fixture.test.ts'
import { type Interruption, type Policy, type Presentation, present, type Verdict } from './present.ts'
import { readUses } from './recent-uses.ts'

const steps = Math.max(1_000_000, Number(process.env.PAWL_MODEL_STEPS ?? 0))
const seed = Number(process.env.PAWL_SEED ?? Math.floor(Math.random() * 2 ** 32)) >>> 0
const worldStepsMax = 400
/** How often a dead family is tried again before the next world begins. */
const stepsAfterEnd = 6
/** A run in which some verdict was hardly seen proves nothing about it. */
const seenMin = 200

/** What a presentation shows, in the words of the ledger: keys are numbers, a proof is its thumbprint. */
interface Shown {
  readonly generation: number
  readonly retryKey: number | null
  readonly proof: 'none' | 'client' | 'own' | 'strange'
}

interface Use {
  readonly generation: number
  readonly retryKey: number | null
  readonly atMs: number
  readonly moved: boolean
}

/** Everything that ever happened to one family. */
interface Ledger {
  readonly uses: Use[]
  readonly openedAtMs: number
  readonly signedInAtMs: number
  readonly endsWithSession: boolean
  readonly redeemMs: number
  readonly idleMs: number
  readonly absoluteEndMs: number
  readonly codeRepeats: boolean
  bound: 'own' | 'strange' | null
  keyed: boolean
  repeatsOf: Map<number, number>
  end: EndReason | null
}

/** Somebody who holds a token of the family. */
interface Holder {
  readonly name: 'owner' | 'tab' | 'thief'
  generation: number
  readonly proof: Shown['proof']
  /** Added to the generation to make its retry key; holders of one credential store share it. Null: none is sent. */
  readonly custody: number | null
}

interface World {
  readonly random: () => number
  readonly ledger: Ledger
  readonly kind: Kind
  readonly owner: Holder
  readonly tab: Holder
  readonly thief: Holder
  family: Family
  nowMs: number
  policy: Policy
  cutOffs: CutOffs
  /** The oldest first. */
  interruptions: readonly Interruption[]
  /** True while nobody but the owner ever acted, and it lost no answer to its code. */
  ownerAlone: boolean
  /** The generation a thief with a made-up retry key moved on from. */
  stolen: number | null
  reuses: number
}

const kinds = ['plain', 'keyed', 'bound', 'bound and keyed', 'confidential', 'confidential and keyed'] as const
type Kind = (typeof kinds)[number]

const ownCustody = 0
const madeUpCustody = 1_000_000

it(`keeps I1 and I4 to I8 through ${steps} random steps`, () => {
  const seen = new Map<string, number>()
  let done = 0
  for (let worldSeed = seed; done < steps; worldSeed = (worldSeed + 1) % 2 ** 32) done += playWorld(worldSeed, seen)
  for (const name of everyOutcome) {
    const times = seen.get(name) ?? 0
    assert.ok(times >= seenMin, `${name} was seen ${times} times (PAWL_SEED=${seed})`)
  }
})

const everyOutcome = [
  'advanced kept repeated stale reused',
  'ended expired cut_off ahead retry_key_required binding_mismatch too_many_repeats',
  'code_expired idle_expired absolute_expired logged_out revoked_by_client',
  'cut_off_everyone cut_off_client cut_off_user cut_off_session cut_off_grant cut_off_consent',
].flatMap(line => line.split(' '))

function playWorld(worldSeed: number, seen: Map<string, number>): number {
  const world = newWorld(worldSeed)
  let step = 0
  let left = stepsAfterEnd
  try {
    for (; step < worldStepsMax && left > 0; step++) {
      const outcome = takeStep(world)
      if (outcome !== null) seen.set(outcome, (seen.get(outcome) ?? 0) + 1)
      if (world.ledger.end !== null && left-- === stepsAfterEnd) {
        seen.set(world.ledger.end, (seen.get(world.ledger.end) ?? 0) + 1)
      }
    }
  } catch (error) {
    throw new Error(`PAWL_SEED=${worldSeed} fails at step ${step} (${world.kind})`, { cause: error })
  }
  return step
}

function newWorld(worldSeed: number): World {
  const random = randomFrom(worldSeed)
  const kind = random() < 0.2 ? 'plain' : pick(random, kinds)
  const openedAtMs = 1_800_000_000_000
  const signedInAtMs = openedAtMs - pick(random, [0, 1, 90_000])
  const idleSeconds = pick(random, [70, 300, 3_600])
  const lifeMs = pick(random, [30, 400, 7_200]) * 1000
  const endsWithSession = random() < 0.5
  const given = opening({
    grant: { ...grant, authTimeMs: signedInAtMs, endsWithSession },
    idleSeconds,
    absoluteExpiresAtMs: openedAtMs + lifeMs,
    binding: kind === 'bound' && random() < 0.3 ? bindings.own : null,
    codeRepeats: random() < 0.3,
  })
  const proof = kind.startsWith('bound') ? 'own' : kind.startsWith('confidential') ? 'client' : 'none'
  const custody = kind.endsWith('keyed') ? ownCustody : null
  return {
    random,
    kind,
    ledger: {
      uses: [],
      openedAtMs,
      signedInAtMs,
      endsWithSession,
      redeemMs: given.redeemSeconds * 1000,
      idleMs: idleSeconds * 1000,
      absoluteEndMs: given.absoluteExpiresAtMs,
      codeRepeats: given.codeRepeats === true,
      bound: given.binding === null ? null : 'own',
      keyed: false,
      repeatsOf: new Map(),
      end: null,
    },
    owner: { name: 'owner', generation: 0, proof, custody },
    tab: { name: 'tab', generation: 0, proof, custody },
    thief: thiefOf(random, proof, custody),
    family: openFamily(given, openedAtMs),
    nowMs: openedAtMs,
    policy: {
      rotates: true,
      repeatWindowSeconds: pick(random, [0, 1, 60, 60]),
      repeatsMax: pick(random, [0, 1, 3, 100]),
      reuseEnds: 'grant',
    },
    cutOffs: noCutOffs,
    interruptions: [],
    ownerAlone: true,
    stolen: null,
    reuses: 0,
  }
}

/** A thief copies the token alone, makes up a key or a proof for it, or copies the whole credential store. */
function thiefOf(random: () => number, proof: Shown['proof'], custody: number | null): Holder {
  const thief = { name: 'thief', generation: 0 } as const
  if (random() < 0.2) return { ...thief, proof, custody }
  const shown = proof === 'client' ? 'client' : pick(random, ['none', 'strange'] as const)
  return { ...thief, proof: shown, custody: pick(random, [null, madeUpCustody]) }
}

/** One thing happens; answers the verdict's name where a token was presented. */
function takeStep(world: World): string | null {
  const { random, owner, tab, thief, ledger } = world
  const chance = random() * 100
  if (chance < 40) return refresh(world, owner, random() < 0.3)
  if (chance < 50) return refresh(world, tab, random() < 0.3)
  if (chance < 54) return refresh(world, thief, random() < 0.1)
  if (chance < 58) return presentSomething(world)
  if (chance < 60) return refreshOld(world)
  if (chance < 72) return copyToken(owner, tab)
  if (chance < 73) return copyToken(owner, thief)
  if (chance < 92) return moveClock(world)
  if (chance < 96.5) return interrupt(world)
  if (chance < 97.3) return switchRotation(world)
  if (chance < 98.3) return cutOff(world)
  if (chance < 98.5 && ledger.end === null) return revoke(world)
  return presentCodeAgain(world)
}

function refresh(world: World, holder: Holder, answerIsLost: boolean): string {
  const shown = shownBy(holder, holder.generation)
  const wasOver = world.ledger.end !== null
  if (holder.name !== 'owner') world.ownerAlone = false
  const name = show(world, shown)
  checkPromises(world, holder, name, wasOver)
  const isThief = holder.name === 'thief' && holder.custody === madeUpCustody
  if (isThief && name === 'advanced' && shown.generation > 0 && world.stolen === null) world.stolen = shown.generation
  if (!answerIsLost && (name === 'advanced' || name === 'repeated')) holder.generation = shown.generation + 1
  if (answerIsLost && shown.generation === 0 && !world.ledger.codeRepeats) world.ownerAlone = false
  return name
}

/** Promise 3 of the design, for the two holders it speaks of. */
function checkPromises(world: World, holder: Holder, name: string, wasOver: boolean): void {
  if (holder.name !== 'owner' || wasOver || isOver(name)) return
  if (world.ownerAlone && world.kind !== 'plain') {
    hold(['advanced', 'kept', 'repeated'].includes(name), () => `an honest owner with a proof was answered ${name}`)
  }
  const { keyed, bound } = world.ledger
  if (world.kind === 'keyed' && keyed && bound === null && world.stolen === holder.generation) {
    hold(name === 'reused', () => `the owner met a thief with a made-up key, and was answered ${name}`)
  }
}

/** Any generation, with anything shown: also what no holder would send. */
function presentSomething(world: World): string {
  const { random, ledger } = world
  world.ownerAlone = false
  const generation = Math.max(0, currentOf(ledger) + pick(random, [-10, -9, -8, -7, -3, -2, -1, -1, 0, 1, 2]))
  const retryKey = pick(random, [null, generation, generation, generation + 1, madeUpCustody])
  const proof = pick(random, ['none', 'client', 'own', 'strange'] as const)
  world.stolen = null
  return show(world, { generation, retryKey, proof })
}

function refreshOld(world: World): string {
  world.ownerAlone = false
  return show(world, shownBy(world.owner, Math.max(0, world.owner.generation - pick(world.random, [1, 2, 5, 7, 8, 9]))))
}

function presentCodeAgain(world: World): string {
  const { random, owner, thief } = world
  world.ownerAlone = false
  return show(world, shownBy(pick(random, [owner, thief]), 0))
}

function copyToken(from: Holder, to: Holder): null {
  to.generation = from.generation
  return null
}

/** A little, or to just about a moment at which something changes; seldom back. */
function moveClock(world: World): null {
  const { random, family, ledger, interruptions } = world
  const windowMs = world.policy.repeatWindowSeconds * 1000
  const chance = random()
  if (chance < 0.6) world.nowMs += Math.floor(random() * 20_000)
  else if (chance < 0.7) world.nowMs = Math.max(ledger.openedAtMs, world.nowMs - Math.floor(random() * 100_000))
  else {
    const afterInterruption = (interruptions.at(-1)?.endedAtMs ?? family.rotatedAtMs) + windowMs
    const edges = [family.rotatedAtMs + windowMs, afterInterruption, family.rotatedAtMs, expiresAtMs(family)]
    const edge = chance < 0.72 ? ledger.absoluteEndMs : pick(random, chance < 0.97 ? edges.slice(0, 3) : edges)
    world.nowMs = edge + pick(random, [-1, 0, 1])
  }
  return null
}

/** The store answers nobody for a while; then it is mostly just after that, or the moment the window shuts again. */
function interrupt(world: World): null {
  const { random, family } = world
  const windowMs = world.policy.repeatWindowSeconds * 1000
  const lastEndedMs = world.interruptions.at(-1)?.endedAtMs ?? family.rotatedAtMs
  const edges = [world.nowMs, family.rotatedAtMs, family.rotatedAtMs + windowMs, lastEndedMs, lastEndedMs + windowMs]
  const beganAtMs = pick(random, edges) + pick(random, [-1, 0, 0, 1])
  const endedAtMs = beganAtMs + pick(random, [0, 1, 30_000, 90_000])
  const before = world.interruptions.filter(each => each.endedAtMs <= beganAtMs).slice(-3)
  world.interruptions = [...before, { beganAtMs, endedAtMs }]
  if (random() < 0.8) world.nowMs = Math.max(world.nowMs, endedAtMs + pick(random, [0, 1, windowMs - 1, windowMs]))
  return null
}

/** Only a confidential client's refresh tokens may be kept (FAPI 2.0). */
function switchRotation(world: World): null {
  if (world.kind.startsWith('confidential')) world.policy = { ...world.policy, rotates: !world.policy.rotates }
  return null
}

function cutOff(world: World): null {
  const { random, ledger } = world
  const standsOnMs = pick(random, [ledger.openedAtMs, ledger.signedInAtMs])
  world.cutOffs = { ...world.cutOffs, [pick(random, cutOffTable).kind]: standsOnMs + pick(random, [-1, 0, 1, 1]) }
  return null
}

function revoke(world: World): null {
  world.family = endFamily(world.family, 'revoked_by_client', 'client', world.nowMs)
  world.ledger.end = 'revoked_by_client'
  return null
}

/** Presents to the rule and to the ledger, compares them, and checks what must hold whatever the verdict. */
function show(world: World, shown: Shown): string {
  const before = world.family
  const expected = verdictOf(world, shown)
  const verdict = present(before, world.cutOffs, presentationOf(world, shown))
  const name = verdict.kind === 'refused' ? verdict.reason : verdict.kind
  hold(name === expected, () => `the rule says ${name}, the ledger ${expected}: ${JSON.stringify(shown)}`)
  record(world.ledger, shown, name, world.nowMs)
  world.family = verdict.family
  if (name === 'reused') world.reuses++
  checkInvariants(world, before, verdict)
  checkRow(world)
  return name
}

/** The verdict table of the design, read from everything that ever happened. */
function verdictOf(world: World, shown: Shown): string {
  const { ledger } = world
  if (ledger.end !== null) return 'ended'
  ledger.end = endByTime(world)
  if (ledger.end !== null) return ledger.end.endsWith('expired') ? 'expired' : 'cut_off'
  const current = currentOf(ledger)
  if (shown.generation > current) return 'ahead'
  if (ledger.keyed && shown.retryKey === null) return 'retry_key_required'
  if (ledger.bound !== null && shown.proof !== ledger.bound) return 'binding_mismatch'
  if (shown.generation === current) return current === 0 || world.policy.rotates ? 'advanced' : 'kept'
  const isHolder = ledger.bound !== null || isOnRecord(ledger, shown)
  const isPredecessor = shown.generation === current - 1 && !ledger.uses.some(use => use.generation === current)
  const isSpentCode = shown.generation === 0 && !ledger.codeRepeats
  if (isSpentCode || !isPredecessor) return isHolder ? 'stale' : 'reused'
  if (isHolder || shown.proof === 'client') return 'repeated'
  if (ledger.keyed || world.nowMs >= windowEndMs(world)) return 'reused'
  return (ledger.repeatsOf.get(current) ?? 0) >= world.policy.repeatsMax ? 'too_many_repeats' : 'repeated'
}

function endByTime(world: World): EndReason | null {
  const { ledger, cutOffs, nowMs } = world
  for (const { kind, reason, standsOn } of cutOffTable) {
    const isMeant = reason !== 'logged_out' || ledger.endsWithSession
    if (isMeant && cutOffs[kind] > ledger[standsOn]) return reason
  }
  if (ledger.absoluteEndMs <= nowMs) return 'absolute_expired'
  if (currentOf(ledger) === 0) return ledger.openedAtMs + ledger.redeemMs <= nowMs ? 'code_expired' : null
  return lastMsOf(ledger, ledger.uses) + ledger.idleMs <= nowMs ? 'idle_expired' : null
}

const cutOffTable = [
  { kind: 'everyoneMs', reason: 'cut_off_everyone', standsOn: 'openedAtMs' },
  { kind: 'clientMs', reason: 'cut_off_client', standsOn: 'openedAtMs' },
  { kind: 'userMs', reason: 'cut_off_user', standsOn: 'signedInAtMs' },
  { kind: 'sessionMs', reason: 'cut_off_session', standsOn: 'signedInAtMs' },
  { kind: 'logoutMs', reason: 'logged_out', standsOn: 'signedInAtMs' },
  { kind: 'grantMs', reason: 'cut_off_grant', standsOn: 'openedAtMs' },
  { kind: 'consentMs', reason: 'cut_off_consent', standsOn: 'openedAtMs' },
] as const

function currentOf(ledger: Ledger): number {
  return ledger.uses.filter(use => use.moved).length
}

function isOnRecord(ledger: Ledger, shown: Shown): boolean {
  if (shown.retryKey === null) return false
  return ledger.uses.slice(-8).some(use => use.generation === shown.generation && use.retryKey === shown.retryKey)
}

/** A window of 0 ends before everything; otherwise the latest of what may open it decides. */
function windowEndMs(world: World): number {
  const windowMs = world.policy.repeatWindowSeconds * 1000
  if (windowMs === 0) return Number.NEGATIVE_INFINITY
  const rotatedMs = lastMsOf(
    world.ledger,
    world.ledger.uses.filter(use => use.moved),
  )
  let endMs = rotatedMs + windowMs
  for (const { beganAtMs, endedAtMs } of world.interruptions) {
    const tookSomeOfIt = endMs - windowMs <= beganAtMs && beganAtMs < endMs
    if (tookSomeOfIt && endedAtMs + windowMs > endMs) endMs = endedAtMs + windowMs
  }
  return endMs
}

function lastMsOf(ledger: Ledger, uses: readonly Use[]): number {
  return uses.reduce((latest, use) => (use.atMs > latest ? use.atMs : latest), ledger.openedAtMs)
}

function record(ledger: Ledger, shown: Shown, name: string, atMs: number): void {
  const { generation, retryKey, proof } = shown
  if (name === 'reused') ledger.end = 'reuse'
  if (name === 'repeated') ledger.repeatsOf.set(generation + 1, (ledger.repeatsOf.get(generation + 1) ?? 0) + 1)
  if (name !== 'advanced' && name !== 'kept') return
  if (ledger.uses.length === 0) {
    ledger.keyed = retryKey !== null
    if (proof === 'own' || proof === 'strange') ledger.bound = proof
  }
  ledger.uses.push({ generation, retryKey, atMs, moved: name === 'advanced' })
}

function checkInvariants(world: World, before: Family, verdict: Verdict): void {
  const { family } = verdict
  const { ledger } = world
  const isUse = verdict.kind === 'advanced' || verdict.kind === 'kept'
  const isInOrder = ledger.uses.filter(use => use.moved).every((use, at) => use.generation === at)
  hold(isInOrder, () => 'I1 a generation moved on twice')
  hold(family.generation === before.generation + (verdict.kind === 'advanced' ? 1 : 0), () => 'I4 generations')
  hold(before.end === null || family.end === before.end, () => 'I4 an end was undone or replaced')
  hold(world.reuses <= 1, () => 'I5 a second reuse')
  hold(verdict.kind !== 'reused' || before.binding === null, () => 'I5 a bound family ended by reuse')
  hold(
    (verdict.kind === 'reused') === (family.end !== before.end && family.end?.reason === 'reuse'),
    () => 'I5 the end',
  )
  const mayEnd = verdict.kind === 'refused' && (verdict.reason === 'expired' || verdict.reason === 'cut_off')
  const changesNothing = verdict.kind === 'stale' || (verdict.kind === 'refused' && !mayEnd)
  hold(!changesNothing || family === before, () => 'I6 a refusal changed the family')
  hold(family.grant === before.grant, () => 'I7 the grant changed')
  hold(family.absoluteExpiresAtMs === ledger.absoluteEndMs, () => 'I8 the absolute end moved')
  hold(isUse || expiresAtMs(family) === expiresAtMs(before), () => 'I8 idle expiry moved without a refresh')
  hold(expiresAtMs(family) <= ledger.absoluteEndMs, () => 'I8 idle expiry passes the absolute end')
}

/** The row says what the ledger says. */
function checkRow({ family, ledger }: World): void {
  hold(family.generation === currentOf(ledger), () => 'generation')
  const ends = [family.end?.reason ?? null, ledger.end]
  hold(ends[0] === ends[1], () => `the end in the row and in the ledger: ${JSON.stringify(ends)}`)
  hold(family.keyed === ledger.keyed, () => 'keyed')
  hold((family.binding?.thumbprint ?? null) === ledger.bound, () => 'binding')
  hold(family.repeats === (ledger.repeatsOf.get(family.generation) ?? 0), () => 'repeats')
  hold(family.usedAtMs === lastMsOf(ledger, ledger.uses), () => 'usedAtMs')
  const recent = ledger.uses.slice(-8).toReversed()
  const onRecord = readUses(family.recentUses)
  hold(onRecord.length === recent.length, () => 'the number of uses on record')
  for (const [at, use] of recent.entries()) {
    const found = onRecord[at]
    hold(found?.generation === use.generation && found.atMs === use.atMs, () => `use ${at}`)
    hold(found !== undefined && retryKeyOf(found.retryKeyTag) === use.retryKey, () => `retry key of use ${at}`)
  }
}

function isOver(name: string): boolean {
  return name === 'ended' || name === 'expired' || name === 'cut_off'
}

function shownBy(holder: Holder, generation: number): Shown {
  return { generation, proof: holder.proof, retryKey: holder.custody === null ? null : holder.custody + generation }
}

const bindings = {
  own: { kind: 'dpop', thumbprint: 'own' },
  strange: { kind: 'dpop', thumbprint: 'strange' },
} as const satisfies { readonly [name: string]: Binding }
const addressTag = Uint8Array.of(192, 0, 2, 1)
const agentTag = Uint8Array.of(1, 2, 3, 4)

function presentationOf(world: World, shown: Shown): Presentation {
  const { generation, proof, retryKey } = shown
  return {
    generation,
    proof: proof === 'none' || proof === 'client' ? { kind: proof } : { kind: 'key', binding: bindings[proof] },
    addressTag,
    agentTag,
    retryKeyTag: retryKey === null ? null : retryKeyTagOf(retryKey),
    nowMs: world.nowMs,
    policy: world.policy,
    interruptions: world.interruptions,
  }
}

function retryKeyTagOf(retryKey: number): Uint8Array {
  return Uint8Array.of(1, 0, 0, 0, 0, retryKey >> 16, retryKey >> 8, retryKey)
}

function retryKeyOf(tag: Uint8Array | null): number | null {
  return tag === null ? null : tag.subarray(5).reduce((number, byte) => number * 256 + byte, 0)
}

function hold(condition: boolean, complaint: () => string): void {
  if (!condition) assert.fail(complaint())
}

function pick<Item>(random: () => number, items: readonly Item[]): Item {
  return items[Math.floor(random() * items.length)] as Item
}

/** mulberry32: 32 bits of state, good enough to choose steps, and small enough to read. */
function randomFrom(seedOfWorld: number): () => number {
  let state = seedOfWorld >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
