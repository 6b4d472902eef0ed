/**
 * The server is killed fifty times under load. When it dies, and what each client does, come from the seed and are
 * counted in answers, never in time: `PAWL_SEED=… node --test test/processes/kill.test.ts` plays the same again.
 */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { appOf, type Office, openOffice } from './registered.ts'
import { type Holder, ledger, type Ledger, moveOn, present, signedInHolders } from './holders.ts'
import { type Chance, chanceOf } from './seeded.ts'
import { dataDirectory, type RestartingServer, restartingServer } from './server-process.ts'

const kills = 50
const holdersPerManner = 5
const answersBetweenKillsMax = 120
/** Where no kill of them came between a commit and its answer, which is rare, as many more are tried. */
const moreKillsMax = 200
const eventsMax = 100_000

describe('a server that is killed', () => {
  it('RT-03 fifty times under load loses no rotation, makes no fork and locks nobody out', async test => {
    const scene = await setScene(test)
    const { server, holders, kept, chance } = scene
    let killed = 0
    let answersLeft = chance.below(answersBetweenKillsMax)
    const onAnswer = (): void => {
      answersLeft -= 1
      if (answersLeft >= 0 || killed === kills) return
      killed += 1
      answersLeft = chance.below(answersBetweenKillsMax)
      server.killAndStart()
    }
    const live = async (holder: Holder): Promise<void> => {
      const outside = { server, ledger: kept, onAnswer, chance: chance.branch(holder.name) }
      while (killed < kills && kept.violations.length === 0) await moveOn(holder, outside)
    }
    await Promise.all(holders.map(live))
    assert.equal(killed, kills)
    await provesWhole(test, scene)
  })

  it('RT-03 fifty times with many answers in flight on two threads loses nothing, forks nothing and locks nobody out', async test => {
    const scene = await setScene(test, 2)
    const { chance } = scene
    for (let killed = 0; killed < kills; killed++) await killAmidAnswers(scene, chance.branch(`kill ${killed}`))
    await provesWhole(test, scene)
  })
})

interface Scene {
  readonly office: Office
  readonly server: RestartingServer
  readonly holders: readonly Holder[]
  readonly kept: Ledger
  readonly chance: Chance
}

async function setScene(test: TestContext, workers = 1): Promise<Scene> {
  const chance = chanceOf(test)
  const data = await dataDirectory(test)
  const office = await openOffice(test, data)
  const server = await restartingServer(test, { data, workers })
  const holders = await signedInHolders(office, await server.up(), holdersPerManner)
  return { office, server, holders, kept: ledger(), chance }
}

/** Everybody asks at once, and the server dies after so many answers: the others are on their way, or were never read. */
async function killAmidAnswers({ server, holders, kept }: Scene, chance: Chance): Promise<void> {
  let answersLeft = chance.below(holders.length)
  const onAnswer = (): void => {
    if (answersLeft === 0) server.killAndStart()
    answersLeft -= 1
  }
  const live = (holder: Holder): Promise<unknown> =>
    moveOn(holder, { server, ledger: kept, onAnswer, chance: chance.branch(holder.name) })
  await Promise.all(holders.map(live))
  assert.deepEqual(kept.violations, [])
}

/** Nothing was seen that may not be, and what each client was told last is still worth a successor. */
async function provesWhole(test: TestContext, scene: Scene): Promise<void> {
  const { server, holders, kept } = scene
  assert.deepEqual(kept.violations, [])
  const { lost, more } = await killUntilAnAnswerIsLost(scene)
  test.diagnostic(
    `${kept.rotations()} rotations in ${kept.answers()} answers, ${kills + more} kills, ${lost} answers lost`,
  )
  assert.ok(lost > 0, 'no kill came between a commit and its answer, so nothing was shown')
  const running = await server.up()
  for (const holder of holders) {
    const answer = await present(holder, appOf(running, holder.registered))
    assert.equal(answer.status, 200, `${holder.name} lost what it was told`)
  }
}

/** How many of the kills so far came between a commit and its answer depends on the machine; one at least must have. */
async function killUntilAnAnswerIsLost(scene: Scene): Promise<{ readonly lost: number; readonly more: number }> {
  const { office, kept, chance } = scene
  const lost = async (): Promise<number> => (await repeatsStored(office)) - (kept.answers() - kept.rotations())
  let more = 0
  for (; more < moreKillsMax && (await lost()) === 0; more++)
    await killAmidAnswers(scene, chance.branch(`more ${more}`))
  return { lost: await lost(), more }
}

/** How often the server answered the same again: once for each answer that was lost, and when a client asked twice. */
async function repeatsStored(office: Office): Promise<number> {
  const events = await office.workbench.store.events.latest(eventsMax)
  assert.ok(events.length < eventsMax, 'there are more events than were read')
  return events.filter(({ kind }) => kind === 'token_repeated').reduce((sum, { count }) => sum + count, 0)
}
