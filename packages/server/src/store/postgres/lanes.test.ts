import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressesOf } from './addresses.ts'
import { connector, type Trusted } from './connect.ts'
import { postgresDialect } from './dialect.ts'
import { sceneOn } from './fixture.test.ts'
import { createLanes } from './lanes.ts'

describe('a lane', () => {
  it('closes the connection to a server that does not count any more when it takes another', async test => {
    const { url, entropy } = await sceneOn(test)
    const connect = connector({
      addresses: addressesOf(url),
      prepare: postgresDialect(true),
      needs: { syncStandbysMin: 0 },
      allowLosingRotations: false,
      report: warning => assert.fail(warning),
    })
    const made: Trusted[] = []
    // As at another server, which knows nothing of the connection that is lost.
    const connectAnew = async (): Promise<Trusted> => {
      const trusted = await connect(null)
      const nth = made.push(trusted)
      // Each of them counts until there is another.
      return { ...trusted, isCurrent: () => made.length === nth }
    }
    const lanes = createLanes<PromiseWithResolvers<Trusted>>(
      { count: 1, connect: connectAnew, entropy },
      {
        take: queue => queue.splice(0, 1),
        work: async (trusted, [task]) => task?.resolve(trusted),
        fail: (task, error) => task.reject(error),
      },
    )
    const served = (): Promise<Trusted> => {
      const task = Promise.withResolvers<Trusted>()
      assert.ok(lanes.push(task))
      return task.promise
    }
    const first = await served()
    made.push(await connect(null))
    const second = await served()
    assert.equal(first.session.isOpen(), false)
    assert.equal(second.session.isOpen(), true)
    await lanes.finish()
    for (const { session } of made) await session.end()
  })
})
