/**
 * Every way to die, one by one. The same work is done again and again in a new world, and each time the process is killed
 * at another of its effects, before it happened or after, beside another trouble of the network or the store. Then a new
 * process over the same storage must come to its own: if it does not, a person was signed out.
 */

import { type Effect, type Fate, mortalProcess, type MortalProcess } from './mortal-process.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

export interface CrashMatrixOptions<World> {
  /** A new server, a new store, somebody signed in. Everything in it waits on this clock. */
  newWorld(clock: VirtualClock): Promise<World>
  /** The work during which the process dies. It may reject: that is no failure yet. */
  act(world: World, process: MortalProcess): Promise<unknown>
  /** What a new process does over what the last one left. Answers the outcome's name; rejects if all is lost. */
  recover(world: World, process: MortalProcess): Promise<string>
  close?(world: World): Promise<void>
  /** From the end of one process to the begin of the next; by default none. */
  readonly restartMs?: number
  /** Where each run begins: a server with a clock of its own may not be sent back in time. */
  readonly startsAtMs?: () => number
  /** By default all of `crashTroubles`. */
  readonly troubles?: readonly CrashTrouble[]
}

/** What else goes wrong while the process dies: the first effect of this name meets this fate. */
export interface CrashTrouble {
  readonly name: string
  readonly effect: string
  readonly fate: Fate
}

export const crashTroubles: readonly CrashTrouble[] = [
  { name: 'nothing else', effect: '', fate: 'happens' },
  { name: 'the answer is lost', effect: 'fetch token', fate: 'fails-after' },
  { name: 'the request is lost', effect: 'fetch token', fate: 'fails-before' },
  { name: 'the answer is slow', effect: 'fetch token', fate: 'slow-after' },
  { name: 'the save fails before its commit', effect: 'store save', fate: 'fails-before' },
  { name: 'the save fails after its commit', effect: 'store save', fate: 'fails-after' },
  { name: 'the save is slow', effect: 'store save', fate: 'slow-before' },
  { name: 'the load fails', effect: 'store load', fate: 'fails-before' },
  { name: 'the lease fails after it was given', effect: 'store lease', fate: 'fails-after' },
  { name: 'the custody key does not seal', effect: 'key seal', fate: 'fails-before' },
]

export interface CrashReport {
  readonly runs: number
  /** How often each outcome came, by the name that `recover` gave it. */
  readonly outcomes: { readonly [name: string]: number }
  readonly failures: readonly CrashFailure[]
}

export interface CrashFailure {
  /** `the answer is lost; dies-after 4 (store save)`. */
  readonly way: string
  readonly error: unknown
}

/** Ends by itself, and rejects only when the world or the work does so before anything went wrong. */
export async function crashMatrix<World>(options: CrashMatrixOptions<World>): Promise<CrashReport> {
  const record = crashRecord()
  for (const trouble of options.troubles ?? crashTroubles) {
    const untouched = await runOnce(options, trouble, null)
    record.add(untouched)
    for (let at = 0; at < untouched.effects; at++) {
      for (const side of ['dies-before', 'dies-after'] as const) {
        record.add(await runOnce(options, trouble, { at, side }))
      }
    }
  }
  return record.report()
}

export interface CrashRun {
  readonly way: string
  readonly outcome: string | null
  readonly error: unknown
  readonly effects: number
}

export interface CrashRecord {
  add(run: CrashRun): void
  report(): CrashReport
}

export function crashRecord(): CrashRecord {
  const outcomes = new Map<string, number>()
  const failures: CrashFailure[] = []
  let runs = 0
  return {
    add: ({ way, outcome, error }) => {
      runs += 1
      if (outcome === null) failures.push({ way, error })
      else outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    },
    report: () => ({
      runs,
      outcomes: Object.fromEntries([...outcomes].toSorted(([one], [other]) => (one < other ? -1 : 1))),
      failures,
    }),
  }
}

interface Death {
  readonly at: number
  readonly side: 'dies-before' | 'dies-after'
}

async function runOnce<World>(
  options: CrashMatrixOptions<World>,
  trouble: CrashTrouble,
  death: Death | null,
): Promise<CrashRun> {
  const clock = virtualClock(options.startsAtMs?.())
  const world = await options.newWorld(clock)
  const process = mortalProcess(clock, fatesOf(trouble, death))
  await clock.run(untilOver(options.act(world, process), process))
  const effects = process.effects.length
  const way = death === null ? trouble.name : `${trouble.name}; ${death.side} ${death.at} (${nameAt(process, death)})`
  process.kill()
  await clock.advance(options.restartMs ?? 0)
  const next = mortalProcess(clock, () => 'happens')
  try {
    return { way, outcome: await clock.run(options.recover(world, next)), error: null, effects }
  } catch (error) {
    // The report says it, with the way that led to it: the other runs are worth as much.
    return { way, outcome: null, error, effects }
  } finally {
    next.kill()
    await options.close?.(world)
  }
}

/** Until the work came to an end, good or bad, or the process did. */
export async function untilOver(work: Promise<unknown>, process: MortalProcess): Promise<void> {
  const settled = work.then(
    () => undefined,
    () => undefined,
  )
  await Promise.race([settled, process.killed])
}

function fatesOf(trouble: CrashTrouble, death: Death | null): (effect: Effect) => Fate {
  let isTroubled = false
  return ({ name, at }) => {
    if (at === death?.at) return death.side
    if (isTroubled || name !== trouble.effect) return 'happens'
    isTroubled = true
    return trouble.fate
  }
}

function nameAt(process: MortalProcess, { at }: Death): string {
  return process.effects[at]?.name ?? 'never reached'
}
