/**
 * A PostgreSQL server for one run: on the same disk as everything else that is measured, with its own durability
 * (`fsync`, `synchronous_commit` and `full_page_writes` on), and gone afterwards. One server holds the databases of all
 * contenders; only one of them is loaded at a time.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { Client } from 'pg'
import { reachablePrograms, unprivilegedAccount } from '../../test/postgres/ground.ts'
import { findInstallations } from '../../test/postgres/installations.ts'
import type { Guard } from '../../test/postgres/postmaster.ts'

export interface Cluster {
  readonly version: string
  readonly pid: number
  readonly url: (database: string) => string
  /** For the bench's own questions: one connection that is open all the time. */
  readonly admin: Client
  readonly stop: () => Promise<void>
}

/** What every database of the run lives with, printed with the figures. */
export const clusterSettings: { readonly [name: string]: string } = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  wal_sync_method: 'fdatasync',
  shared_buffers: '1GB',
  max_wal_size: '8GB',
  checkpoint_timeout: '15min',
  max_connections: '400',
  autovacuum: 'on',
}

const readyWithinMs = 20_000
const retryMs = 50
const logTailCharacters = 2000
const user = 'bench'

/**
 * Makes a cluster in the folder `data` of the directory and starts it with `env`. A guard of that directory ends it even
 * when this process is killed; without one it ends when this process leaves.
 */
export async function startCluster(
  directory: string,
  env: NodeJS.ProcessEnv,
  guard: Guard | null = null,
): Promise<Cluster> {
  const account = unprivilegedAccount()
  const [installation] = findInstallations()
  if (installation === undefined) throw new Error('there is no PostgreSQL here')
  const data = join(directory, 'data')
  mkdirSync(data, { mode: 0o700 })
  if (account.uid !== undefined && account.gid !== undefined) chownSync(data, account.uid, account.gid)
  const programs = reachablePrograms(installation, directory, account)
  const settled = { ...account, env: { LC_ALL: 'C' }, cwd: directory }
  const initWords = ['-D', data, '-U', user, '-A', 'trust', '--no-sync', '--encoding=UTF8', '--locale=C']
  execFileSync(join(programs, 'initdb'), initWords, { ...settled, stdio: 'pipe' })
  const port = await freePort()
  const settings = Object.entries(clusterSettings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const words = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', ...settings]
  const logFile = join(directory, 'postgres.log')
  const log = openSync(logFile, 'a')
  const child = spawn(join(programs, 'postgres'), words, {
    ...settled,
    env: { LC_ALL: 'C', ...env },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  const quit = (): void => void child.kill('SIGQUIT')
  guard?.watch(child.pid ?? null)
  process.once('exit', quit)
  child.once('exit', () => {
    guard?.watch(null)
    process.off('exit', quit)
  })
  const url = (database: string): string => `postgres://${user}@127.0.0.1:${port}/${database}`
  const admin = await connected(url('postgres'), child, logFile)
  return { version: installation.version, pid: child.pid ?? 0, url, admin, stop: () => stop(child, admin) }
}

/** A new, empty database, and the address of it. */
export async function createDatabase(cluster: Cluster, name: string): Promise<string> {
  const database = name.replaceAll('-', '_')
  await cluster.admin.query(`CREATE DATABASE ${database}`)
  return cluster.url(database)
}

async function connected(url: string, child: ChildProcess, logFile: string): Promise<Client> {
  const deadlineMs = performance.now() + readyWithinMs
  for (;;) {
    const admin = new Client({ connectionString: url })
    try {
      await admin.connect()
      return admin
    } catch (cause) {
      if (child.exitCode !== null || performance.now() > deadlineMs) {
        child.kill('SIGQUIT')
        const tail = readFileSync(logFile, 'utf8').slice(-logTailCharacters)
        throw new Error(`PostgreSQL did not start; its log ends:\n${tail}`, { cause })
      }
      await after(retryMs)
    }
  }
}

async function stop(child: ChildProcess, admin: Client): Promise<void> {
  await admin.end()
  if (child.exitCode !== null) throw new Error(`PostgreSQL was gone already: exit code ${child.exitCode}`)
  const gone = once(child, 'exit')
  // A fast shutdown: connections that a server of the run left open do not keep it.
  child.kill('SIGINT')
  await gone
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('a socket without a port')
  return address.port
}
