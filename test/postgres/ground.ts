/**
 * The ground a cluster stands on: the account it runs as, since PostgreSQL refuses to run as root, and a directory that
 * this account can reach, in memory where the machine has room for it there.
 */

import { chownSync, cpSync, existsSync, mkdtempSync, readFileSync, realpathSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Installation } from './installations.ts'

/** What `spawn` takes; nothing where the tests run as an ordinary user already. */
export interface Account {
  readonly uid?: number
  readonly gid?: number
}

/** A memory disk with less room than this, as containers have, is left alone. */
const memoryBytesMin = 1024 ** 3

export function unprivilegedAccount(): Account {
  if (process.getuid?.() !== 0) return {}
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = lines.find(line => line.startsWith(`${name}:`))?.split(':') ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error('PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody.')
}

/** A new directory that belongs to the account. */
export function newDirectory(account: Account): string {
  const place = ['/dev/shm', tmpdir(), '/tmp', '/var/tmp'].find(path => isRoomy(path) && isReachable(path, account))
  if (place === undefined) throw new Error('no temporary directory that the account of PostgreSQL can reach')
  const directory = mkdtempSync(join(place, 'pawl-postgres-'))
  give(directory, account)
  return directory
}

export function give(path: string, { uid, gid }: Account): void {
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid)
}

/**
 * The folder of programs the account can start: the installation's own, or a copy in the directory where the repository
 * lies in a place that is closed to others, such as a home.
 */
export function reachablePrograms(installation: Installation, directory: string, account: Account): string {
  if (isReachable(realpathSync(installation.programs), account)) return installation.programs
  const copy = join(directory, 'installation')
  cpSync(installation.home, copy, { recursive: true, verbatimSymlinks: true })
  return join(copy, 'bin')
}

function isRoomy(path: string): boolean {
  if (!existsSync(path)) return false
  const { bavail, bsize } = statfsSync(path)
  return path !== '/dev/shm' || bavail * bsize >= memoryBytesMin
}

/** Whether others may pass through every folder on the way. */
function isReachable(path: string, account: Account): boolean {
  if (account.uid === undefined) return true
  if ((statSync(path).mode & 0o001) === 0) return false
  return dirname(path) === path || isReachable(dirname(path), account)
}
