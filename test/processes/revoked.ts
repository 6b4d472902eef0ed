/** Families of which two are over: one ended by the operator's command, one by its own client. */

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Ground } from '../stage/browser.ts'
import { present, signedInHolders } from './holders.ts'
import { appOf, openOffice } from './registered.ts'
import { dataDirectory, pawlJson, type ServerProcess, startServer } from './server-process.ts'

export interface RevokedScene {
  readonly data: string
  readonly first: ServerProcess
  /** What each holder gets at the first server, after the revocations. */
  readonly before: readonly number[]
  /** What each gets elsewhere. */
  readonly statuses: (ground: Ground) => Promise<number[]>
}

export async function revokedScene(test: TestContext): Promise<RevokedScene> {
  const data = await dataDirectory(test)
  const office = await openOffice(test, data)
  const first = await startServer(test, { data })
  const holders = await signedInHolders(office, first, 2)
  const [byFamily, byToken, ...others] = holders
  const [family] = (await pawlJson(['families', 'list', '--data', data])) as { id: string; client_id: string }[]
  assert.ok(family !== undefined)
  await pawlJson(['revoke', '--family', family.id, '--yes', '--data', data])
  const revoked = await appOf(first, byToken!.registered).revoke(byToken!.token)
  assert.equal(revoked.status, 200)
  assert.ok(byFamily !== undefined)
  const statuses = async (ground: Ground): Promise<number[]> =>
    Promise.all(holders.map(async holder => (await present(holder, appOf(ground, holder.registered))).status))
  const before = await statuses(first)
  assert.deepEqual(before.filter(status => status === 400).length, 2)
  assert.equal(others.length, holders.length - 2)
  return { data, first, before, statuses }
}
