import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { crashLottery, type CrashLotteryOptions, drawOnce } from './crash-lottery.ts'
import { crashMatrix, type CrashMatrixOptions } from './crash-matrix.ts'
import { type FlakyServer, flakyServer } from './flaky-server.ts'
import { type MortalProcess, mortalProcess } from './mortal-process.ts'
import { type VirtualClock, virtualClock } from './virtual-clock.ts'

interface World {
  readonly server: FlakyServer
  /** What a process leaves to the next one. */
  token: string
}

/** As an application does that has not thought of it: ask, then save. */
async function careless({ server, ...world }: World, process: MortalProcess, save: (token: string) => void) {
  const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: world.token, client_id: 'app' })
  const answer = await process.fetch(server.fetch)(`${server.issuer}/token`, { method: 'POST', body })
  const { refresh_token: next } = (await answer.json()) as { readonly refresh_token?: string }
  if (next === undefined) throw new RangeError('signed out')
  await process.effect('store save', async () => save(next))
}

function use(world: World, process: MortalProcess): Promise<void> {
  return careless(world, process, token => {
    world.token = token
  })
}

const options: CrashMatrixOptions<World> = {
  newWorld: async clock => {
    const server = flakyServer({ clock, policy: 'reuse-revokes' })
    return { server, token: server.signIn().refresh_token ?? '' }
  },
  act: use,
  recover: async (world, process) => {
    await use(world, process)
    return 'kept'
  },
}

describe('crashMatrix', () => {
  it('finds every way in which a careless application loses its token, and no other', async () => {
    const { runs, outcomes, failures } = await crashMatrix({
      ...options,
      troubles: [{ name: 'nothing else', effect: '', fate: 'happens' }],
    })
    assert.equal(runs, 5)
    assert.deepEqual(outcomes, { kept: 3 })
    assert.deepEqual(
      failures.map(({ way }) => way),
      ['nothing else; dies-after 0 (fetch token)', 'nothing else; dies-before 1 (store save)'],
    )
  })

  it('has trouble met once, by the first effect of its name', async () => {
    const { failures } = await crashMatrix({
      ...options,
      troubles: [{ name: 'the answer is lost', effect: 'fetch token', fate: 'fails-after' }],
    })
    assert.deepEqual(
      failures.map(({ way }) => way),
      ['the answer is lost', 'the answer is lost; dies-after 0 (fetch token)'],
    )
  })
})

describe('crashLottery', () => {
  it('finds them by chance, and plays each again from its seed', async () => {
    const lottery: CrashLotteryOptions<World> = { ...options, runs: 40, seed: 'careless', live: use, troubleShare: 0.2 }
    const { runs, failures } = await crashLottery(lottery)
    assert.equal(runs, 40)
    assert.ok(failures.length > 0)
    for (const { way, error } of failures) {
      const again = await drawOnce(lottery, way)
      assert.equal(again.outcome, null)
      assert.equal(String(again.error), String(error))
    }
  })
})

describe('mortalProcess', () => {
  function processOf(fate: Parameters<typeof mortalProcess>[1], clock: VirtualClock = virtualClock()): MortalProcess {
    return mortalProcess(clock, fate)
  }

  it('lets nothing go on after its death, and nothing begin', async () => {
    const clock = virtualClock()
    const process = processOf(({ at }) => (at === 0 ? 'dies-after' : 'happens'), clock)
    let hasHappened = 0
    const happen = async (): Promise<number> => ++hasHappened
    const outcomes: unknown[] = []
    const all = [process.effect('one', happen), process.effect('two', happen), process.clock.wait(5)]
    for (const each of all) each.then(value => outcomes.push(value), assert.fail)
    await process.killed
    process.effect('three', happen).then(value => outcomes.push(value), assert.fail)
    await clock.advance(10)
    assert.deepEqual(outcomes, [2], 'what was done before the death is known')
    assert.equal(hasHappened, 2)
    assert.equal(process.isAlive(), false)
  })

  it('fails before the effect, or after it', async () => {
    let hasHappened = 0
    const happen = async (): Promise<number> => ++hasHappened
    await assert.rejects(processOf(() => 'fails-before').effect('store save', happen), { name: 'FailedOnPurpose' })
    assert.equal(hasHappened, 0)
    await assert.rejects(processOf(() => 'fails-after').effect('fetch token', happen), TypeError)
    assert.equal(hasHappened, 1)
  })
})
