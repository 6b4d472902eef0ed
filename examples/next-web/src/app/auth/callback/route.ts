import { parts } from '../../../session/running.ts'
import { finishSignIn } from '../../../session/sign-in.ts'

export const runtime = 'nodejs'
export const dynamic = 'force-dynamic'

export async function GET(request: Request): Promise<Response> {
  return finishSignIn(await parts(), request)
}
