/** Crews of one store on one server: who gets a place there, and what one finds out for all. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { readFamily, rotated } from '../contract/fixture.test.ts'
import { attemptsMax, openedIn, pollMs, type Scene, sceneOn, soon } from './fixture.test.ts'

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempts = 1; !(await isSo()); attempts++) {
    assert.ok(attempts < attemptsMax, `not so in ${attemptsMax} looks`)
    await pause(pollMs)
  }
}

async function backends({ ask }: Scene, user: string): Promise<readonly number[]> {
  const text = "SELECT pid FROM pg_stat_activity WHERE application_name = 'pawl' AND usename = $1 ORDER BY pid"
  return (await ask(text, [user])).map(([pid]) => Number(pid))
}

/** A role that may hold so many connections, on tables that are there. */
async function roleOn(scene: Scene, connectionsMax: number): Promise<URL> {
  const url = new URL(scene.url)
  const name = `few_${url.pathname.slice(6)}`
  await scene.ask(`CREATE ROLE ${name} LOGIN PASSWORD 'few' CONNECTION LIMIT ${connectionsMax}`)
  await scene.ask(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${name}`)
  return Object.assign(url, { username: name, password: 'few' })
}

describe('the crew that writes', () => {
  it('is given a place by the one that reads, where that has taken all there are', async test => {
    const scene = await sceneOn(test)
    const store = await scene.open()
    const family = await openedIn(store, scene.entropy)
    const url = await roleOn(scene, 2)
    const crowded = await scene.open({ url: url.href, connections: 4 })
    // As after the server was away: nobody has a place, and those who read come first.
    await scene.ask('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [url.username])
    const reads = async (): Promise<unknown> =>
      Promise.allSettled(Array.from({ length: 64 }, () => crowded.families.read(family.id)))
    await until(async () => {
      await reads()
      return (await backends(scene, url.username)).length === 2
    })
    // Whoever is told to come back does so, and is not told so for ever.
    const next = await soon(() => rotated({ store: crowded, entropy: scene.entropy }, family))
    assert.equal((await readFamily(store, family)).family.stepId, next.stepId)
    // The place that was left is for reads again, and both go on.
    const last = await soon(() => rotated({ store: crowded, entropy: scene.entropy }, next))
    assert.equal((await soon(() => readFamily(crowded, family))).family.stepId, last.stepId)
    await crowded.close()
    await scene.ask(`DROP OWNED BY ${url.username}`)
    await scene.ask(`DROP ROLE ${url.username}`)
  })
})

describe('a connection that broke in one crew', () => {
  it('closes those that lie idle in the other', async test => {
    const scene = await sceneOn(test)
    const store = await scene.open({ connections: 2 })
    const family = await openedIn(store, scene.entropy)
    await readFamily(store, family)
    const user = new URL(scene.url).username
    const text = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pawl'
ORDER BY backend_start`
    // The one that writes was there first: it made the tables.
    const [writer, reader] = (await scene.ask(text)).map(([pid]) => Number(pid))
    assert.ok(reader !== undefined)
    await scene.ask('SELECT pg_terminate_backend($1)', [writer])
    await rotated({ store, entropy: scene.entropy }, family)
    await until(async () => !(await backends(scene, user)).includes(reader))
    assert.equal((await readFamily(store, family)).family.generation, 1)
  })
})
