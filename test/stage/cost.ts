/**
 * What one piece of work costs beside another. Compared is the processor time of this process, so that waiting costs
 * nothing; both are done in turn, so that what the machine does besides meets both; and each is judged by its cheapest
 * round, because other programs make work dearer and never cheaper. No figure of a machine appears anywhere.
 */

import assert from 'node:assert/strict'

/** Fewer say nothing, for the compiler is still at work. */
const roundsMin = 3
/**
 * So many are tried before the dearer work is found too dear. A ratio that is right most of the time is seen right in
 * one round with a chance of one in two at the very least, so a wrong alarm has a chance below 2^-40.
 */
const roundsMax = 40

export interface Pair {
  readonly about: string
  readonly work: () => unknown
  /** What it is compared with. */
  readonly measure: () => unknown
}

/** Fails where the work costs more than so many times the measure in every round. */
export async function assertCostsAtMost(timesMax: number, { about, work, measure }: Pair): Promise<void> {
  let leastWork = Number.POSITIVE_INFINITY
  let leastMeasure = Number.POSITIVE_INFINITY
  for (let round = 1; round <= roundsMax; round++) {
    leastMeasure = Math.min(leastMeasure, await microsecondsOf(measure))
    leastWork = Math.min(leastWork, await microsecondsOf(work))
    if (round >= roundsMin && leastWork <= timesMax * leastMeasure) return
  }
  assert.fail(`${about} costs ${leastWork} µs of processor time, more than ${timesMax} times ${leastMeasure} µs`)
}

/** At least one: the clock of the system knows nothing smaller. */
async function microsecondsOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return Math.max(1, user + system)
}

/** How much longer the longer text is. */
const stretch = 16
/**
 * The long text against the short one sixteen times over, so that both take long enough to be seen: linear work costs
 * the same, what grows with the square sixteen times as much. Half way between them, as factors go, is four.
 */
const longTimesMax = 4

/** Fails where reading takes time that grows faster than what is read. */
export function assertLinear(
  about: string,
  charactersMax: number,
  textOf: (characters: number) => string,
  read: (text: string) => unknown,
): Promise<void> {
  const long = textOf(charactersMax)
  const short = textOf(Math.floor(charactersMax / stretch))
  return assertCostsAtMost(longTimesMax, {
    about,
    work: () => read(long),
    measure: () => {
      for (let index = 0; index < stretch; index++) read(short)
    },
  })
}
