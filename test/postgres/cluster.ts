/**
 * Real PostgreSQL servers to be thrown away: on loopback, on a port of their own, durable unless a test says otherwise,
 * killed and started again at will, and gone with the process that started them.
 */

import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { stablePort } from '../processes/stable-port.ts'
import { type Account, give, newDirectory, reachablePrograms, unprivilegedAccount } from './ground.ts'
import { findInstallations, type Installation } from './installations.ts'
import { type Guard, type Postmaster, startGuard, startPostmaster } from './postmaster.ts'
import { ask } from './query.ts'
import { scramVerifier } from './verifier.ts'

export interface ClusterOptions {
  /** The major version; the newest there is unless named. */
  readonly version?: number | 'any'
  /** Lines of `postgresql.conf`, over the ones all clusters have. */
  readonly settings?: Settings
}

export type Settings = { readonly [name: string]: string }

export interface Cluster {
  /** To the maintenance database, as superuser. */
  readonly url: string
  /** The major version. */
  readonly version: number
  readonly installation: Installation
  readonly port: number
  /** Holds `data` and `log`. */
  readonly directory: string
  readonly password: string
  /** SIGKILL to all its processes. What it had not written down is lost, as with a machine that loses its power. */
  readonly kill: () => Promise<void>
  /** Ends it in order. */
  readonly stop: () => Promise<void>
  /** On the same port and data; resolves when it answers. */
  readonly start: () => Promise<void>
  /** Makes a primary of a standby; resolves when it takes writes. */
  readonly promote: () => Promise<void>
  /** Ends it and removes its directory. Without this call both happen when this process ends. */
  readonly remove: () => Promise<void>
  /** What the server wrote to its log. */
  readonly log: () => string
}

/** What a cluster is made from: all of it but the data. */
interface Site {
  readonly installation: Installation
  readonly account: Account
  readonly directory: string
  readonly programs: string
  readonly password: string
  readonly guard: Guard
}

export const superuser = 'pawl'
const startAttemptsMax = 5
const readyMsMax = 180_000
const pollMs = 10
const logCharactersShown = 4000

/** All a standby needs is on, so that one can be added to any cluster. */
const usualSettings: Settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '32MB',
  // In its directory, which goes with it: a server that is killed leaves what it shared behind.
  dynamic_shared_memory_type: 'mmap',
  fsync: 'on',
  synchronous_commit: 'on',
  wal_level: 'replica',
  max_wal_senders: '8',
  max_replication_slots: '8',
  hot_standby: 'on',
  // Segments of 1 MB, and few of them: most clusters live for seconds, in memory.
  min_wal_size: '8MB',
  max_wal_size: '256MB',
  log_checkpoints: 'off',
  timezone: 'UTC',
}

/** A new, empty cluster that answers. Rejects with its log when it does not. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const site = newSite(chosen(options.version ?? 'any'), randomBytes(16).toString('hex'))
  initialize(site)
  const cluster = await clusterAt(site, options.settings ?? {})
  await ask(cluster.url, `ALTER ROLE ${superuser} PASSWORD '${scramVerifier(site.password)}'`)
  return cluster
}

/** A cluster on data that another program laid down: `lay` is told where. */
export async function startClusterOn(
  like: Cluster,
  settings: Settings,
  lay: (data: string, account: Account) => Promise<void>,
): Promise<Cluster> {
  const site = newSite(like.installation, like.password)
  await lay(join(site.directory, 'data'), site.account)
  return clusterAt(site, settings)
}

function chosen(version: number | 'any'): Installation {
  const installations = findInstallations()
  const installation = installations.find(one => version === 'any' || one.major === version)
  if (installation !== undefined) return installation
  throw new Error(`no PostgreSQL ${version} here, only ${installations.map(one => one.version).join(' and ')}`)
}

function newSite(installation: Installation, password: string): Site {
  const account = unprivilegedAccount()
  const directory = newDirectory(account)
  const guard = startGuard(directory)
  const programs = reachablePrograms(installation, directory, account)
  return { installation, account, directory, programs, password, guard }
}

function initialize({ programs, account, directory, password }: Site): void {
  const passwordFile = join(directory, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  give(passwordFile, account)
  const words = [
    ['--pgdata', join(directory, 'data')],
    ['--username', superuser, '--pwfile', passwordFile, '--auth', 'scram-sha-256'],
    ['--encoding', 'UTF8', '--locale', 'C', '--wal-segsize', '1', '--no-sync', '--no-instructions'],
  ].flat()
  const environment = { LC_ALL: 'C', PATH: process.env['PATH'] }
  const { status, stdout, stderr, error } = spawnSync(join(programs, 'initdb'), words, {
    encoding: 'utf8',
    env: environment,
    cwd: directory,
    ...account,
  })
  if (error !== undefined) throw new Error('initdb did not start', { cause: error })
  if (status !== 0) throw new Error(`initdb ended with ${status}: ${stdout}${stderr}`)
  rmSync(passwordFile)
}

/** The port may be taken between the look and the start: then another one is tried. */
async function clusterAt(site: Site, settings: Settings): Promise<Cluster> {
  for (let attempt = 1; ; attempt++) {
    const cluster = clusterOn(site, await stablePort(), { ...usualSettings, ...settings })
    try {
      await cluster.start()
      return cluster
    } catch (cause) {
      if (attempt < startAttemptsMax && /Address already in use/.test(cluster.log())) continue
      await cluster.remove()
      throw cause
    }
  }
}

function clusterOn(site: Site, port: number, settings: Settings): Cluster {
  const { directory, guard, installation, password } = site
  const logFile = join(directory, 'log')
  const url = `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres`
  const log = (): string => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '')
  let server: Postmaster | null = null
  const stop = async (): Promise<void> => server?.stop()
  return {
    url,
    version: installation.major,
    installation,
    port,
    directory,
    password,
    log,
    stop,
    kill: async () => server?.kill(),
    start: async () => {
      if (server !== null && !server.hasExited()) throw new Error('the cluster runs already')
      server = startPostmaster(startOf(site, port, settings, logFile), guard)
      await answers(url, server, log)
    },
    promote: async () => {
      await ask(url, 'SELECT pg_promote(true, 60)')
    },
    remove: async () => {
      await stop()
      await guard.release()
    },
  }
}

function startOf({ programs, directory, account }: Site, port: number, settings: Settings, log: string) {
  const named = Object.entries({ ...settings, port: String(port) })
  const words = ['-D', join(directory, 'data'), ...named.flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  return { program: join(programs, 'postgres'), words, account, log }
}

/** Resolves with the first answer; a server that is still starting refuses, or says so. */
async function answers(url: string, server: Postmaster, log: () => string): Promise<void> {
  const deadline = performance.now() + readyMsMax
  for (;;) {
    try {
      await ask(url, 'SELECT 1')
      return
    } catch (cause) {
      if (server.hasExited() || performance.now() > deadline) {
        throw new Error(`PostgreSQL does not answer: ${log().slice(-logCharactersShown)}`, { cause })
      }
    }
    await pause(pollMs)
  }
}
