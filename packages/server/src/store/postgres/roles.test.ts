/** A role that owns its database and nothing else: no superuser, and in no role that PostgreSQL has ready. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { startCluster } from '../../../../../test/postgres/cluster.ts'
import { findInstallations } from '../../../../../test/postgres/installations.ts'
import { withClient } from '../../../../../test/postgres/query.ts'
import { readFamily, rotated } from '../contract/fixture.test.ts'
import { openedIn, sceneOn } from './fixture.test.ts'
import { lineageStatement } from './lineage.ts'

const versions = findInstallations().map(({ major }) => major)

/** A server of the test's own, and the URL of a database on it for the role that owns it. */
async function sceneOfOwner(test: TestContext, version: number) {
  const cluster = await startCluster({ version })
  const scene = await sceneOn(test, cluster.url)
  test.after(() => cluster.remove())
  const url = new URL(scene.url)
  await scene.ask("CREATE ROLE owner LOGIN PASSWORD 'owner'")
  await scene.ask(`ALTER DATABASE ${url.pathname.slice(1)} OWNER TO owner`)
  return { ...scene, ownUrl: Object.assign(url, { username: 'owner', password: 'owner' }).href }
}

for (const version of versions) {
  describe(`a role that owns only its database, on PostgreSQL ${version}`, () => {
    it('makes the tables, writes, reads and is told which server was promoted last', async test => {
      const { open, entropy, ownUrl, ask } = await sceneOfOwner(test, version)
      // One connection for reads and one for writes: none is being made when they are ended.
      const store = await open({ url: ownUrl, connections: 2, report: warning => assert.fail(warning) })
      let family = await openedIn(store, entropy)
      family = await rotated({ store, entropy }, family)
      // What is lost is ended by the role itself.
      await ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'owner'")
      family = await rotated({ store, entropy }, family)
      await store.cutOffs.set({ target: { kind: 'everyone' }, reason: 'test', by: 'operator', beforeMs: null }, [])
      assert.equal((await readFamily(store, family)).family.generation, 2)
      assert.equal(await store.check(), undefined)
      await withClient(ownUrl, async client => {
        const { rows } = await client.query({ text: lineageStatement.text, rowMode: 'array' })
        assert.match(String(rows[0]), /^\d+,[0-9A-F]{8}$/)
      })
    })

    it('is told what to grant where it may not ask which server was promoted last, and goes on', async test => {
      const { open, entropy, ownUrl, ask } = await sceneOfOwner(test, version)
      await ask('REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC')
      const warnings: string[] = []
      const store = await open({ url: ownUrl, report: warning => warnings.push(warning) })
      await rotated({ store, entropy }, await openedIn(store, entropy))
      assert.equal(warnings.length, 1)
      assert.match(warnings[0] ?? '', /GRANT EXECUTE ON FUNCTION pg_control_system\(\)/)
      // As the sentence says, with the name of the role in it; the function belongs to each database.
      const grant = /GRANT .*\)/.exec(warnings[0] ?? '')?.[0] ?? ''
      await ask(`${grant} TO owner`)
      await open({ url: ownUrl, report: warning => assert.fail(warning) })
    })
  })
}
