/** The flags `serve` and `dev` share, and the settings they mean. */

import type { Command } from 'commander'
import { readSettings, type SettingsReading } from '../config/read-config.ts'
import type { World } from './world.ts'

export interface ServerFlags {
  readonly data?: string
  readonly store?: string
  readonly config?: string
  readonly issuer?: string
  readonly host?: string
  readonly port?: string
  readonly adminPort?: string
  readonly trustedProxy?: readonly string[]
  readonly logLevel?: string
  readonly drainSeconds?: string
  readonly json?: true
}

export function withServerFlags(command: Command): Command {
  return command
    .option('--data <dir>', 'the data directory (default .pawl)')
    .option('--store <url>', 'another database: sqlite:PATH')
    .option('--config <file>', 'a configuration file instead of pawl.yaml in the data directory')
    .option('--issuer <url>', 'the name of this server (default http://localhost and the port)')
    .option('--host <address>', 'the address to listen on (default 127.0.0.1 and ::1)')
    .option('--port <port>', 'the port to listen on (default 7295); 0 takes a free one')
    .option('--admin-port <port>', 'the port of the management listener')
    .option('--trusted-proxy <range>', 'whose forwarded headers count; several times', collect)
    .option('--log-level <level>', 'debug, info, warn, error or silent')
    .option('--drain-seconds <seconds>', 'how long a stop waits for the answers in flight')
    .option('--json', 'print one line of JSON when ready')
}

export function settingsOf(world: World, flags: ServerFlags): SettingsReading {
  const { data, store, issuer, host, port, adminPort, logLevel, drainSeconds } = flags
  return readSettings({
    flags: { data, store, issuer, host, port, adminPort, logLevel, drainSeconds, trustedProxies: flags.trustedProxy },
    configFile: flags.config,
    environment: world.environment,
  })
}

function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}
