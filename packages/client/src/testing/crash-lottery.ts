/**
 * Dying by chance: lives of processes over one storage, one after the other or several at once, each effect of which may
 * fail, be slow or be the last. What `crashMatrix` cannot reach, two troubles at once or the third after the second, this
 * does sooner or later. Every run has a seed, and the seed plays the run again.
 */

import { type CrashRecord, type CrashReport, type CrashRun, crashRecord, untilOver } from './crash-matrix.ts'
import { type Fate, fates, mortalProcess, type MortalProcess } from './mortal-process.ts'
import { seededChance, type SeededChance } from './seeded-chance.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

export interface CrashLotteryOptions<World> {
  readonly runs: number
  /** Run n has the seed `<seed>-<n>`. */
  readonly seed: string
  newWorld(clock: VirtualClock, chance: SeededChance): Promise<World>
  /** One life of one process: it asks, and asks again, and may reject. */
  live(world: World, process: MortalProcess, chance: SeededChance): Promise<unknown>
  /** In the end, with nothing going wrong any more. Answers the outcome's name; rejects if all is lost. */
  recover(world: World, process: MortalProcess): Promise<string>
  close?(world: World): Promise<void>
  /** Lives of one run; between 1 and this many at a time. By default 4 and 2. */
  readonly livesMax?: number
  readonly togetherMax?: number
  /** Of all effects, how many meet another fate than to happen. By default 0.08. */
  readonly troubleShare?: number
  /** Where each run begins: a server with a clock of its own may not be sent back in time. */
  readonly startsAtMs?: (run: number) => number
}

export async function crashLottery<World>(options: CrashLotteryOptions<World>): Promise<CrashReport> {
  const record: CrashRecord = crashRecord()
  for (let run = 0; run < options.runs; run++) {
    record.add(await drawOnce(options, `${options.seed}-${run}`, options.startsAtMs?.(run)))
  }
  return record.report()
}

/** One run again, by the seed that a report named. */
export async function drawOnce<World>(
  options: CrashLotteryOptions<World>,
  seed: string,
  startsAtMs?: number,
): Promise<CrashRun> {
  const chance = seededChance(seed)
  const clock = virtualClock(startsAtMs)
  const world = await options.newWorld(clock, chance.branch('world'))
  let effects = 0
  const lives = 1 + chance.below(options.livesMax ?? 4)
  for (let life = 0; life < lives; life++) {
    const together = 1 + chance.below(options.togetherMax ?? 2)
    const processes = Array.from({ length: together }, (_, at) =>
      mortalProcess(clock, fatesByChance(chance.branch(`fates ${life} ${at}`), options.troubleShare ?? 0.08)),
    )
    const living = processes.map((process, at) =>
      untilOver(options.live(world, process, chance.branch(`life ${life} ${at}`)), process),
    )
    await clock.run(Promise.all(living))
    for (const process of processes) process.kill()
    effects += processes.reduce((sum, process) => sum + process.effects.length, 0)
  }
  const last = mortalProcess(clock, () => 'happens')
  try {
    return { way: seed, outcome: await clock.run(options.recover(world, last)), error: null, effects }
  } catch (error) {
    // The report says it, with its seed: the other runs are worth as much.
    return { way: seed, outcome: null, error, effects }
  } finally {
    last.kill()
    await options.close?.(world)
  }
}

const troubles = fates.slice(1) as [Fate, ...Fate[]]

function fatesByChance(chance: SeededChance, share: number): () => Fate {
  return () => (chance.happens(share) ? chance.one(troubles) : 'happens')
}
