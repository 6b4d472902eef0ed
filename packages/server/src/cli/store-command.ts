/**
 * The frame of every command that works on the store directly, also while servers run: where the store is, `--json`, and
 * that it is opened late and closed always.
 */

import type { Command } from 'commander'
import type { Workbench } from '../admin/workbench.ts'
import { completeConfig, type Config } from '../config/config.ts'
import { obtainMasterKeys } from '../config/master-key.ts'
import { type ConfigSources, readSettings } from '../config/read-config.ts'
import { stderrLogger } from '../http/access-log.ts'
import { openWorkbench } from '../pawl.ts'
import { tell, type World } from './world.ts'

/** As commander gives them for the options `storeCommand` adds. */
export interface StoreOptions {
  readonly data?: string
  readonly store?: string
  readonly config?: string
  readonly json?: true
}

/** A command with the options every one of them takes. */
export function storeCommand(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .option('--data <dir>', 'the data directory (default .pawl)')
    .option('--store <url>', 'another database: sqlite:PATH or postgres://USER@HOST/DATABASE')
    .option('--config <file>', 'a configuration file instead of pawl.yaml in the data directory')
    .option('--json', 'print one JSON document')
}

/** Opens the store, works, and closes it whatever happened. */
export async function withWorkbench<T>(
  world: World,
  options: StoreOptions,
  work: (workbench: Workbench) => Promise<T>,
): Promise<T> {
  return workWith(world, configOf(world, options), work)
}

/** The same with a configuration that is known already. */
export async function workWith<T>(
  world: World,
  config: Config,
  work: (workbench: Workbench) => Promise<T>,
): Promise<T> {
  const { clock, entropy, operatorName } = world
  const parts = { clock, entropy, logger: stderrLogger('warn') }
  const { workbench, close } = await openWorkbench(config, parts, operatorName)
  try {
    return await work(workbench)
  } finally {
    await close()
  }
}

/** A command names no server, so the issuer is only what settings say; its port is nobody's. */
function configOf(world: World, options: StoreOptions): Config {
  const sources: ConfigSources = {
    flags: { data: options.data, store: options.store },
    configFile: options.config,
    environment: world.environment,
  }
  const { settings, warnings } = readSettings(sources)
  for (const warning of warnings) tell(world, warning)
  return completeConfig(settings, obtainMasterKeys(settings, world.environment, world.entropy), settings.port)
}
