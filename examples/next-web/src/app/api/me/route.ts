import { me } from '../../../session/me.ts'
import { parts } from '../../../session/running.ts'

export const runtime = 'nodejs'
export const dynamic = 'force-dynamic'

export async function GET(request: Request): Promise<Response> {
  return me(await parts(), request)
}
