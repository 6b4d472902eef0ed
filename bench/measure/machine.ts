/** What a figure depends on: it is printed and saved with every run. */

import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'
import os from 'node:os'
import { peerVersions } from '../peers/contender.ts'
import { memoryFileSystem } from './disk.ts'

export interface Machine {
  readonly startedAt: string
  readonly command: string
  readonly commit: string
  readonly processor: string
  readonly cores: number
  readonly memoryBytes: number
  readonly system: string
  readonly loadAverage: readonly number[]
  readonly directory: string
  /** `tmpfs` or `ramfs` where flushes are free, else null. */
  readonly memoryFileSystem: string | null
  readonly versions: { readonly [name: string]: string }
}

export function describeMachine(directory: string): Machine {
  return {
    startedAt: new Date().toISOString(),
    command: ['node', ...process.argv.slice(1).map(argument => argument.replace(`${process.cwd()}/`, ''))].join(' '),
    commit: commit(),
    processor: os.cpus()[0]?.model ?? 'unknown',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    loadAverage: os.loadavg(),
    directory,
    memoryFileSystem: memoryFileSystem(directory),
    versions: {
      node: process.versions.node,
      openssl: process.versions.openssl ?? 'unknown',
      sqlite: process.versions['sqlite'] ?? 'unknown',
      pg: packageVersion('pg'),
      'oidc-provider': packageVersion('oidc-provider'),
      ...peerVersions(),
    },
  }
}

function commit(): string {
  try {
    // The page and the figures are what a part before this one may have written, and change nothing that is measured.
    const measured = [':/', ':(top,exclude)docs/performance.md', ':(top,exclude)bench/results']
    const changed = execFileSync('git', ['status', '--porcelain', '--untracked-files=no', '--', ...measured], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
    const head = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim()
    return changed === '' ? head : `${head} with changes`
  } catch {
    // A copy without its history can be measured as well; the figure then says that it names no commit.
    return 'unknown'
  }
}

function packageVersion(name: string): string {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string }
  return version
}
