/**
 * `node bench/oracles.ts`: whether time tells refused requests from one another, measured. The tests prove that the same
 * work is done (`test/attacks/tm-timing.test.ts`); here the clock is asked. In every round each class is sent once, in an
 * order drawn anew, so that whatever else the machine does meets all of them alike. Looked at is the faster half of each
 * class: what lies above was interrupted by something else, and whoever attacks looks there as well. The gap of the
 * medians is told in microseconds, with Welch's t: below 50 µs no network carries it.
 */

import { hashingOn } from '../packages/server/src/domain/user/password.ts'
import { signInLimits } from '../packages/server/src/domain/user/sign-in-limits.ts'
import { openLifetime } from '../test/stage/lifetime.ts'
import { type Classes, classesOfSecrets, classesOfTokens, send } from '../test/stage/oracles.ts'
import { openPasswordPage } from '../test/stage/password-page.ts'
import { openScene, settle, shop } from '../test/stage/scene.ts'
import { describeMachine } from './measure/machine.ts'

const quick = process.argv.includes('--quick')
const samplesPerClass = quick ? 40 : 5000
const people = quick ? 2 : 20
const keptShare = 0.5
/** Addresses that ask in turn, so that each fails less often in a minute than is held back. */
const addresses = 100

interface Gap {
  readonly oracle: string
  readonly between: readonly [string, string]
  readonly samplesEach: number
  readonly mediansMicros: readonly [number, number]
  readonly gapMicros: number
  readonly welchT: number
}

type Samples = Map<string, number[]>

const lifetime = openLifetime()
try {
  const gaps = [...(await refusals()), ...(await signIns())]
  process.stdout.write(`${JSON.stringify({ machine: describeMachine('.'), gaps }, null, 2)}\n`)
} finally {
  await lifetime.end()
}

async function refusals(): Promise<readonly Gap[]> {
  const scene = await openScene(lifetime, { client: shop })
  const oracles: { readonly [oracle: string]: Classes } = {
    'refresh token': await classesOfTokens(scene),
    'client secret': classesOfSecrets(scene),
  }
  const gaps: Gap[] = []
  for (const [oracle, classes] of Object.entries(oracles)) {
    const samples: Samples = new Map([...classes.keys()].map(name => [name, []]))
    for (let round = 0; round < samplesPerClass; round++) {
      if (round % addresses === 0) {
        scene.stage.clock.advanceSeconds(60)
        await settle(scene.stage)
      }
      for (const [name, probes] of shuffled([...classes])) {
        const probe = probes[round % probes.length]
        if (probe === undefined) throw new Error(`the class ${name} is empty`)
        samples.get(name)?.push(await microsOf(() => send(scene, probe, `192.0.2.${round % addresses}`)))
      }
    }
    gaps.push(...gapsIn(oracle, samples))
  }
  return gaps
}

/** With passwords hashed as a server hashes them. Each person bears so many failures an hour. */
async function signIns(): Promise<readonly Gap[]> {
  const scene = await openScene(lifetime, { client: shop, hashing: hashingOn(2) })
  for (let index = 0; index < people; index++) await scene.stage.addUser(`known${index}@example.com`)
  const page = await openPasswordPage(scene, scene.stage.browser())
  const samples: Samples = new Map([
    ['known', []],
    ['unknown', []],
  ])
  const rounds = quick ? 2 : signInLimits.account.failuresMax
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < people; index++) {
      const address = `10.0.${round}.${index}`
      for (const [name, times] of shuffled([...samples])) {
        times.push(await microsOf(() => page.attempt({ username: `${name}${index}@example.com`, address })))
      }
    }
  }
  return gapsIn('sign-in', samples)
}

async function microsOf(work: () => Promise<unknown>): Promise<number> {
  const startedAt = process.hrtime.bigint()
  await work()
  const took = Number(process.hrtime.bigint() - startedAt) / 1000
  // What the request left for the background is done before the next one is timed.
  await new Promise<void>(resolve => setImmediate(resolve))
  return took
}

function shuffled<T>(items: T[]): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1))
    const [one, two] = [items[last], items[other]] as [T, T]
    items[last] = two
    items[other] = one
  }
  return items
}

function gapsIn(oracle: string, samples: Samples): readonly Gap[] {
  const kept = [...samples].map(([name, all]) => ({ name, times: fastest(all) }))
  return kept.flatMap((one, at) =>
    kept.slice(at + 1).map(other => {
      const medians = [medianOf(one.times), medianOf(other.times)] as const
      return {
        oracle,
        between: [one.name, other.name] as const,
        samplesEach: one.times.length,
        mediansMicros: [rounded(medians[0]), rounded(medians[1])] as const,
        gapMicros: rounded(Math.abs(medians[0] - medians[1])),
        welchT: rounded(Math.abs(welch(one.times, other.times))),
      }
    }),
  )
}

/** In ascending order. */
function fastest(times: readonly number[]): readonly number[] {
  return times.toSorted((one, other) => one - other).slice(0, Math.ceil(times.length * keptShare))
}

function medianOf(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The difference of the means in units of its own standard error. */
function welch(one: readonly number[], two: readonly number[]): number {
  const [a, b] = [momentsOf(one), momentsOf(two)]
  return (a.mean - b.mean) / Math.sqrt(a.variance / one.length + b.variance / two.length)
}

function momentsOf(values: readonly number[]): { readonly mean: number; readonly variance: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { mean, variance: squares / (values.length - 1) }
}

function rounded(value: number): number {
  return Number(value.toFixed(1))
}
