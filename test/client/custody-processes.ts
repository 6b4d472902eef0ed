/** Starts racers on one store, kills one now and then with SIGKILL, and puts another one in its place. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { type Chance, chanceOf } from '../processes/seeded.ts'
import { counters, type Race } from './custody-racer.ts'
import { openRaceStore } from './custody-places.ts'

const racers = 8
const kills = 12
const stepsBetweenKillsMax = 12

interface Course {
  readonly race: Race
  readonly chance: Chance
  /** What the racers wrote, each line once for each time. */
  readonly lines: string[]
  readonly running: Set<ChildProcess>
  readonly failures: string[]
  killed: number
  untilKill: number
}

/** Nobody loses an update, is alone without a lease or waits for the dead; a step that nobody was told of is one of a killed racer. */
export async function racesWhole(test: TestContext, race: Race): Promise<void> {
  const chance = chanceOf(test)
  const lines: string[] = []
  const course: Course = {
    race,
    chance,
    lines,
    running: new Set(),
    failures: [],
    killed: 0,
    untilKill: chance.below(stepsBetweenKillsMax),
  }
  test.after(() => {
    for (const child of course.running) child.kill('SIGKILL')
  })
  await Promise.all(Array.from({ length: racers }, () => runUntilDone(course)))
  assert.deepEqual(course.failures, [])
  assert.deepEqual(
    lines.filter(line => !line.startsWith('saved ')),
    [],
  )
  assert.equal(course.killed, kills, 'the race was over too soon')
  const unheard = await countUnheard(course)
  test.diagnostic(`${lines.length} steps of ${racers} processes, ${kills} killed, ${unheard} steps unheard of`)
  assert.ok(unheard <= kills, `${unheard} steps that nobody was told of`)
}

async function countUnheard({ race, lines }: Course): Promise<number> {
  const { store, close } = await openRaceStore(race.place)
  let unheard = 0
  for (const name of Object.values(counters)) {
    assert.equal((await store.load(name))?.sealed, String(race.steps), name)
    const told = lines.filter(line => line.startsWith(`saved ${name} `))
    assert.equal(new Set(told).size, told.length, `two were told of the same step of '${name}'`)
    unheard += race.steps - told.length
  }
  await close()
  return unheard
}

/** As many starts as it takes until a racer ends by itself. */
async function runUntilDone(course: Course): Promise<void> {
  while ((await runOnce(course)) === 'killed') assert.ok(course.killed <= kills)
}

async function runOnce(course: Course): Promise<'done' | 'killed'> {
  const racer = join(import.meta.dirname, 'custody-racer.ts')
  const child = spawn(process.execPath, [racer, JSON.stringify(course.race)], { stdio: ['ignore', 'pipe', 'pipe'] })
  course.running.add(child)
  let complaint = ''
  child.stderr.on('data', (bytes: Buffer) => {
    complaint += bytes.toString()
  })
  createInterface(child.stdout).on('line', line => hear(course, line))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  course.running.delete(child)
  if (signal === 'SIGKILL') return 'killed'
  if (code !== 0) course.failures.push(`a racer ended with ${code}: ${complaint}`)
  return 'done'
}

function hear(course: Course, line: string): void {
  course.lines.push(line)
  course.untilKill -= 1
  if (course.untilKill > 0 || course.killed === kills) return
  const running = [...course.running].filter(child => !child.killed)
  if (running.length === 0) return
  course.untilKill = 1 + course.chance.below(stepsBetweenKillsMax)
  course.killed += 1
  running[course.chance.below(running.length)]?.kill('SIGKILL')
}
