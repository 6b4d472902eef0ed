/** A standby that knows only what was true a while ago is asked nothing, wherever it stands in the URL of the database. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { startCluster } from '../postgres/cluster.ts'
import { databaseOn } from '../postgres/databases.ts'
import { ask } from '../postgres/query.ts'
import { startStandby } from '../postgres/standby.ts'
import { familyIdIn } from '../processes/inside-token.ts'
import { appOf, browserOf, openOffice } from '../processes/registered.ts'
import { emptyDirectory, type ServerProcess, startServer } from '../processes/server-process.ts'
import { stablePort } from '../processes/stable-port.ts'
import type { App } from '../stage/app.ts'
import { environmentOf, nodesIssuer } from './nodes.ts'

const rounds = 20

describe('a standby that lags behind', () => {
  it('OP-04 is never read: what one node rotated, revoked or denied counts in the next request at another', async test => {
    const { primaryUrl, standbyUrl } = await startPair(test)
    const [first, second] = await nodesBehind(test, primaryUrl, standbyUrl)
    await ask(standbyUrl, 'SELECT pg_wal_replay_pause()')
    for (let round = 0; round < rounds; round++) {
      const [here, there] = round % 2 === 0 ? [first, second] : [second, first]
      const { refreshToken } = await here.app.signIn(browserOf(here.server))
      const rotated = await there.app.refresh(refreshToken)
      assert.equal(rotated.status, 200, 'a family that was just opened is not known')
      assert.equal(
        (await here.app.refresh(rotated.refreshToken)).status,
        200,
        'a token that was just given is not current',
      )
      assert.equal((await there.app.introspect(rotated.accessToken)).active, true)
      await here.app.revoke(rotated.accessToken, { token_type_hint: 'access_token' })
      assert.equal(
        (await there.app.introspect(rotated.accessToken)).active,
        false,
        'a token that was just revoked is active',
      )
      assert.equal((await here.app.revoke(rotated.refreshToken)).status, 200)
      assert.equal((await there.app.refresh(rotated.refreshToken)).status, 400, 'what was just revoked is refreshed')
      const known = await ask(standbyUrl, 'SELECT 1 FROM families WHERE id = $1', [familyIdIn(refreshToken)])
      assert.deepEqual(known, [], 'the standby does not lag, so nothing was shown')
    }
  })
})

interface Node {
  readonly server: ServerProcess
  readonly app: App
}

/** A primary, and a standby that nobody waits for. */
async function startPair(test: TestContext): Promise<{ readonly primaryUrl: string; readonly standbyUrl: string }> {
  const primary = await startCluster()
  test.after(() => primary.remove())
  const database = await databaseOn(primary)
  const standby = await startStandby(primary, { synchronous: false })
  test.after(() => standby.remove())
  const standbyUrl = new URL(database.url)
  standbyUrl.port = String(standby.port)
  return { primaryUrl: database.url, standbyUrl: standbyUrl.href }
}

/** Two nodes: one is told of the primary first, the other of the standby. */
async function nodesBehind(test: TestContext, primaryUrl: string, standbyUrl: string): Promise<[Node, Node]> {
  const environment = environmentOf(primaryUrl)
  const data = await emptyDirectory(test)
  const office = await openOffice(test, data, environment)
  await office.addUser()
  const registered = await office.addClient({ id: 'shop', kind: 'web', firstParty: true })
  const hosts = [primaryUrl, standbyUrl].map(url => new URL(url).host)
  const start = async (order: readonly string[]): Promise<Node> => {
    const own = { ...environment, PAWL_STORE: primaryUrl.replace(hosts[0]!, order.join(',')) }
    const site = { data: await emptyDirectory(test), port: await stablePort() }
    const server = await startServer(test, { ...site, flags: ['--issuer', nodesIssuer], environment: own })
    return { server, app: appOf(server, registered) }
  }
  return [await start(hosts), await start(hosts.toReversed())]
}
