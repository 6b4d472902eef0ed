/** The figures that the runs have left in `bench/results`, as far as there are any. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProofCost } from '../dpop.ts'
import type { LapFigures } from '../figures.ts'
import type { DiskFigures } from '../measure/growth.ts'
import type { Machine } from '../measure/machine.ts'
import type { Medians, Ratio } from '../medians.ts'
import type { ContenderName } from '../names.ts'

interface Run {
  readonly machine: Machine
}

export interface RefreshRun extends Run {
  readonly postgres: { readonly version: string; readonly settings: { readonly [name: string]: string } } | null
  /** Why flushes were not slowed, or null where they were. */
  readonly slowedNotRunBecause: string | null
  readonly medians: readonly Medians[]
  readonly ratios: readonly Ratio[]
  readonly disks: readonly DiskFigures[]
}

export interface ScenarioRun extends Run {
  readonly medians: readonly Medians[]
}

export interface DpopRun extends Run {
  readonly costs: readonly ProofCost[]
}

export interface StartRun extends Run {
  readonly figures: readonly {
    readonly contender: ContenderName
    readonly starts: number
    readonly readyMs: number
    readonly idleBytes: number | null
    readonly loadedBytes: number | null
  }[]
}

export interface GenerationsRun extends Run {
  readonly length: { readonly refreshes: number; readonly compared: number }
  readonly figures: readonly {
    readonly contender: ContenderName
    readonly first: LapFigures
    readonly last: LapFigures
    readonly rowsBefore: number
    readonly rowsAfter: number
    readonly rowBytesBefore: number
    readonly rowBytesAfter: number
    readonly diskBytesBefore: number
    readonly diskBytesAfter: number
  }[]
}

export interface FamiliesRun extends Run {
  readonly sizes: readonly {
    readonly families: number
    readonly laps: readonly LapFigures[]
    readonly disks: readonly DiskFigures[]
  }[]
}

export interface MicroRun extends Run {
  readonly figures: readonly { readonly part: string; readonly micros: number; readonly cpuMicros: number }[]
}

export interface ProfileRun extends Run {
  readonly shares: readonly { readonly contender: ContenderName; readonly where: string; readonly share: number }[]
}

/** Null for what was not run. */
export interface Results {
  readonly sqlite: RefreshRun | null
  readonly postgres: RefreshRun | null
  readonly scenarios: ScenarioRun | null
  readonly dpop: DpopRun | null
  /** The same with servers whose garbage collector marks on the main thread alone. */
  readonly 'scenarios-marking': ScenarioRun | null
  readonly start: StartRun | null
  readonly generations: GenerationsRun | null
  readonly 'families-sqlite': FamiliesRun | null
  readonly 'families-postgres': FamiliesRun | null
  readonly micro: MicroRun | null
  readonly profile: ProfileRun | null
}

export function readResults(directory: string): Results {
  const read = <T>(name: string): T | null => {
    const file = join(directory, `${name}.json`)
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : null
  }
  return {
    sqlite: read('sqlite'),
    postgres: read('postgres'),
    scenarios: read('scenarios'),
    dpop: read('dpop'),
    'scenarios-marking': read('scenarios-marking'),
    start: read('start'),
    generations: read('generations'),
    'families-sqlite': read('families-sqlite'),
    'families-postgres': read('families-postgres'),
    micro: read('micro'),
    profile: read('profile'),
  }
}
