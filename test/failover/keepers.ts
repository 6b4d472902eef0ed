/** Clients that keep what they hold, and refresh it all the time: twice at once, and with answers that are lost. */

import { type Holder, present } from '../processes/holders.ts'
import { appOf } from '../processes/registered.ts'
import { type Outside, someNode, unlessUnknown, untilTold } from './patience.ts'

const habits = 6

/** Moves the holder on by one generation, however often it takes. */
export async function keepOn(holder: Holder, outside: Outside): Promise<void> {
  const presented = holder.token
  const app = appOf(someNode(outside), holder.registered)
  const ask = async (): Promise<string | null> => {
    const { status, body, refreshToken } = await present(holder, app)
    if (status === 200) outside.record.moved(presented, refreshToken)
    else outside.record.violated(`${holder.name} was refused with ${status} ${JSON.stringify(body)}`)
    return status === 200 ? refreshToken : null
  }
  const habit = outside.chance.below(habits)
  if (habit === 0) await Promise.all([unlessUnknown(ask), unlessUnknown(ask)])
  // An answer that arrives and is lost before it is stored: the client crashed, or its disk was full.
  if (habit === 1) await unlessUnknown(ask)
  const answered = await untilTold(outside, ask)
  if (answered !== null) holder.token = answered
}
