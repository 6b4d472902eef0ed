import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stablePort } from '../../../../test/processes/stable-port.ts'
import { inPortTurn } from './port-turn.ts'
import type { Order, Told } from './racing-listener.test.ts'

const program = fileURLToPath(new URL('racing-listener.test.ts', import.meta.url))
const rounds = 200

interface Racer {
  readonly tell: (order: Order) => Promise<Told>
}

async function startRacer(test: TestContext): Promise<Racer> {
  const child = fork(program, ['race'])
  test.after(() => child.kill('SIGKILL'))
  assert.equal(await nextWord(child), 'ready')
  return {
    tell: order => {
      const word = nextWord(child)
      child.send(order)
      return word
    },
  }
}

/** Rejects where the process ends without a word. */
async function nextWord(child: ChildProcess): Promise<Told> {
  const over = new AbortController()
  const { signal } = over
  const ended = once(child, 'exit', { signal }).then(([code]): never => {
    throw new Error(`a racer ended with ${String(code)}`)
  })
  const said = once(child, 'message', { signal }).then(([word]) => word as Told)
  try {
    return await Promise.race([said, ended])
  } finally {
    over.abort()
    await Promise.allSettled([said, ended])
  }
}

// Where no threads share a port, or no name can be held, there is nothing to race for.
if (process.platform === 'linux') describe('a port that threads share', racing)
if (process.platform === 'linux') describe('the turn to open a port', turning)

function racing(): void {
  it('is opened by one of two processes that start in the same moment, however often', async test => {
    const port = await stablePort()
    const racers = [await startRacer(test), await startRacer(test)]
    for (let round = 0; round < rounds; round++) {
      const told = await Promise.all(racers.map(racer => racer.tell(port)))
      assert.deepEqual(told.toSorted(), ['open', 'refused'], `round ${round}`)
      await Promise.all(racers.map(racer => racer.tell('close')))
    }
  })
}

function turning(): void {
  it('is given back, also where the opening fails, and for each port there is one', async () => {
    const port = await stablePort()
    const failed = inPortTurn(port, () => Promise.reject(new Error('no such address')))
    await assert.rejects(failed, { message: 'no such address' })
    const order: string[] = []
    const { promise: hold, resolve: release } = Promise.withResolvers<void>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const first = inPortTurn(port, async () => {
      begin()
      await hold
      order.push('first')
    })
    await begun
    const second = inPortTurn(port, async () => void order.push('second'))
    await inPortTurn(port + 1, async () => void order.push('another port'))
    release()
    await Promise.all([first, second])
    assert.deepEqual(order, ['another port', 'first', 'second'])
  })
}
