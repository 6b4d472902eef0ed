/**
 * What a server must be set to before an answer of it can be called durable (I2). Read when a connection is made, and
 * again behind every batch: an operator, or whoever manages the cluster, may change each of these while it runs.
 */

export interface Durability {
  /** True of a standby: what it tells may be over, and it takes no write. */
  readonly recovering: boolean
  readonly readOnly: boolean
  readonly fsync: string
  readonly fullPageWrites: string
  readonly synchronousCommit: string
  readonly synchronousStandbyNames: string
}

export interface DurabilityNeeds {
  /** How many standbys must have what is acknowledged. */
  readonly syncStandbysMin: number
}

/** One text, so that what is as it was is seen at a glance. The last part may hold anything. */
export const durabilityText = `SELECT concat_ws(' ', pg_is_in_recovery(), current_setting('transaction_read_only'),
current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'),
current_setting('synchronous_standby_names'))`

export function parseDurability(text: string): Durability {
  const [recovering, readOnly, fsync, fullPageWrites, synchronousCommit, ...names] = text.split(' ')
  if (
    recovering === undefined ||
    readOnly === undefined ||
    fsync === undefined ||
    fullPageWrites === undefined ||
    synchronousCommit === undefined
  ) {
    throw new TypeError('PostgreSQL did not tell its settings')
  }
  return {
    recovering: recovering === 't',
    readOnly: readOnly === 'on',
    fsync,
    fullPageWrites,
    synchronousCommit,
    synchronousStandbyNames: names.join(' '),
  }
}

/** Sentences that say what to change; none where what the server acknowledges is durable. */
export function lossesOf(settings: Durability, { syncStandbysMin }: DurabilityNeeds): readonly string[] {
  const losses: string[] = []
  if (settings.fsync !== 'on') {
    losses.push('PostgreSQL runs with fsync = off and may lose everything with its machine: set fsync = on.')
  }
  if (settings.fullPageWrites !== 'on') {
    losses.push(
      'PostgreSQL runs with full_page_writes = off and may not survive the loss of power: set full_page_writes = on.',
    )
  }
  if (settings.synchronousCommit === 'off') {
    losses.push(
      'PostgreSQL answers before it has written (synchronous_commit = off) and may lose refresh tokens that were given out: set synchronous_commit = on, for the server or with ALTER ROLE for the role of this program.',
    )
  }
  if (syncStandbysMin > 0) losses.push(...standbyLossesOf(settings, syncStandbysMin))
  return losses
}

function standbyLossesOf(settings: Durability, syncStandbysMin: number): readonly string[] {
  const { synchronousCommit, synchronousStandbyNames } = settings
  const demanded = demandedStandbys(synchronousStandbyNames)
  if (demanded < syncStandbysMin) {
    return [
      `PostgreSQL waits for ${demanded} synchronous standbys and ${syncStandbysMin} are needed: name them in synchronous_standby_names, as in 'ANY ${syncStandbysMin} (*)'.`,
    ]
  }
  if (synchronousCommit === 'local' || synchronousCommit === 'remote_write') {
    return [
      `PostgreSQL does not wait until a standby has written (synchronous_commit = ${synchronousCommit}): set synchronous_commit = on.`,
    ]
  }
  return []
}

/** How many standbys a COMMIT waits for (PostgreSQL manual, section 20.6.2). */
export function demandedStandbys(synchronousStandbyNames: string): number {
  const names = synchronousStandbyNames.trim()
  if (names === '') return 0
  const counted = /^(?:(?:first|any)\s+)?(\d+)\s*\(/i.exec(names)?.[1]
  return counted === undefined ? 1 : Number(counted)
}
