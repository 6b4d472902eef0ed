/**
 * A standby beside its primary, made from an online backup (PostgreSQL manual, "Making a Base Backup Using the Low Level
 * API"): no other program is needed, and so it works with every installation.
 */

import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Cluster, type Settings, startClusterOn, superuser } from './cluster.ts'
import { type Account, give } from './ground.ts'
import { ask, withClient } from './query.ts'

export interface StandbyOptions {
  /** Whether the primary waits for it with every commit, from now on; it does unless told otherwise. */
  readonly synchronous?: boolean
  readonly settings?: Settings
}

const streamingMsMax = 180_000
const pollMs = 10

/** Streams from the primary, over a replication slot, when the promise resolves. */
export async function startStandby(primary: Cluster, options: StandbyOptions = {}): Promise<Cluster> {
  const name = `standby_${randomBytes(4).toString('hex')}`
  await ask(primary.url, 'SELECT pg_create_physical_replication_slot($1, true)', [name])
  const { port, password } = primary
  const settings: Settings = {
    ...options.settings,
    primary_conninfo: `host=127.0.0.1 port=${port} user=${superuser} password=${password} application_name=${name}`,
    primary_slot_name: name,
  }
  const standby = await startClusterOn(primary, settings, (data, account) => backUp(primary, data, account))
  if (options.synchronous !== false) await waitFor(primary, name)
  await until(() => streams(primary, name, options.synchronous === false ? 'async' : 'sync'), `${name} to stream`)
  return standby
}

/** Commits of the primary wait until the standby of this name has them on disk. */
async function waitFor(primary: Cluster, name: string): Promise<void> {
  await ask(primary.url, `ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (${name})'`)
  await ask(primary.url, 'SELECT pg_reload_conf()')
}

async function streams(primary: Cluster, name: string, state: string): Promise<boolean> {
  const statement =
    "SELECT 1 FROM pg_stat_replication WHERE application_name = $1 AND state = 'streaming' AND sync_state = $2"
  return (await ask(primary.url, statement, [name, state])).length === 1
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + streamingMsMax
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited ${streamingMsMax} ms in vain for ${what}`)
    await pause(pollMs)
  }
}

/** The label tells the standby from where to replay; until it has, what was copied is of no single moment. */
async function backUp(primary: Cluster, data: string, account: Account): Promise<void> {
  await withClient(primary.url, async client => {
    await client.query("SELECT pg_backup_start('standby', true)")
    copyFolder(join(primary.directory, 'data'), data, account)
    const { rows } = await client.query<{ labelfile: string }>('SELECT labelfile FROM pg_backup_stop(false)')
    write(join(data, 'backup_label'), rows[0]?.labelfile ?? '', account)
    write(join(data, 'standby.signal'), '', account)
  })
}

/** What belongs to the running server, or comes over the slot: of these the folders alone. */
const emptied = [
  ['pg_wal', 'pg_replslot', 'pg_dynshmem', 'pg_notify'],
  ['pg_serial', 'pg_snapshots', 'pg_stat_tmp', 'pg_subtrans'],
].flat()
/** Of the process, and what `waitFor` told the primary. */
const leftOut = ['postmaster.pid', 'postmaster.opts', 'postgresql.auto.conf']

function copyFolder(from: string, to: string, account: Account): void {
  makeFolder(to, account)
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (leftOut.includes(entry.name)) continue
    if (!entry.isDirectory()) copyFile(source, target, account)
    if (entry.isDirectory() && !emptied.includes(entry.name)) copyFolder(source, target, account)
    if (entry.isDirectory() && emptied.includes(entry.name)) makeFolder(target, account)
  }
}

function makeFolder(path: string, account: Account): void {
  mkdirSync(path, { mode: 0o700 })
  give(path, account)
}

/** A file that has gone meanwhile is gone on the standby too, once it has replayed the log. */
function copyFile(source: string, target: string, account: Account): void {
  try {
    copyFileSync(source, target)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  give(target, account)
}

function write(path: string, text: string, account: Account): void {
  writeFileSync(path, text, { mode: 0o600 })
  give(path, account)
}
