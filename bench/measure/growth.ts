/** How much a contender's database has grown for each rotation. */

import type { Runner } from '../laps.ts'
import type { ContenderName } from '../names.ts'
import { tableBytes } from '../postgres/figures.ts'
import { bytesOnDisk } from './disk.ts'

export interface DiskFigures {
  readonly contender: ContenderName
  readonly families: number
  readonly rotations: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly bytesPerRotation: number
}

/** Bytes of the database: on SQLite all its files, on PostgreSQL its tables with their indexes. The server must be idle. */
export async function databaseBytes({ running, directory }: Runner): Promise<number> {
  const { place } = running
  return place.kind === 'sqlite' ? bytesOnDisk(directory, place.file) : tableBytes(place.url)
}

/** What the rotations since `bytesBefore` have left. The server must be idle. */
export async function growth(runner: Runner, bytesBefore: number): Promise<DiskFigures> {
  const bytesAfter = await databaseBytes(runner)
  return {
    contender: runner.running.name,
    families: runner.running.tokens.length,
    rotations: runner.rotations,
    bytesBefore,
    bytesAfter,
    bytesPerRotation: (bytesAfter - bytesBefore) / runner.rotations,
  }
}
