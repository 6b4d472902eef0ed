/** `pawl serve`: the server, until it is told to stop. */

import type { Command } from 'commander'
import { startServer } from '../running-server.ts'
import { type ServerFlags, settingsOf, withServerFlags } from '../server-flags.ts'
import { print, printJson, tell, type World } from '../world.ts'

export function addServeCommand(program: Command, world: World): void {
  const command = program.command('serve').description('run the server')
  withServerFlags(command).action(async (flags: ServerFlags) => {
    const server = await startServer(world, settingsOf(world, flags))
    // Asked for before anybody is told that we are ready, so that no signal finds us without an ear.
    const stopped = world.untilStopped()
    const { issuer, development } = server.config
    if (flags.json) printJson(world, { event: 'ready', issuer, admin: server.admin })
    else
      print(world, `Pawl is ready: ${issuer}${development ? ' (development)' : ''}, health at ${server.admin}/readyz`)
    await stopped
    tell(world, 'Stopping: answering what is in flight.')
    await server.stop()
  })
}
