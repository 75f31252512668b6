"""The simulated methods that say who is who: https://docs.slack.dev/reference/methods."""

from __future__ import annotations

from collections.abc import Mapping

from plugins.slack.testing_call import Call, Handler, Rights, page, paged
from plugins.slack.testing_errors import ApiError
from plugins.slack.testing_wire import user_of
from plugins.slack.testing_world import Raw, World


class DirectoryMethods:
    """The app itself, users and the workspace."""

    def __init__(self, world: World, rights: Rights) -> None:
        self._world, self._rights = world, rights

    def methods(self) -> Mapping[str, Handler]:
        """By name."""
        return {
            "api.test": self.test,
            "auth.test": self.auth,
            "bots.info": self.bot,
            "team.info": self.team,
            "users.getPresence": self.presence,
            "users.info": self.user,
            "users.list": self.users,
            "users.lookupByEmail": self.by_email,
        }

    async def test(self, _call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/api.test."""
        return {}

    async def auth(self, _call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/auth.test."""
        return {
            "url": f"https://{self._world.domain}.slack.com/",
            "team": self._world.domain.title(),
            "user": self._rights.me.name,
            "team_id": self._world.team,
            "user_id": self._world.bot_user,
            "bot_id": self._world.bot_id,
            "is_enterprise_install": False,
        }

    async def bot(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/bots.info."""
        meant = call.required("bot")
        for user in self._world.users.values():
            if user.bot_id == meant:
                about = {"id": meant, "deleted": user.deleted, "name": user.real_name, "updated": 1}
                return {"bot": {**about, "app_id": user.app_id, "user_id": user.id, "icons": {}}}
        raise ApiError("bot_not_found")

    async def team(self, _call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/team.info."""
        world = self._world
        about = {"id": world.team, "name": world.domain.title(), "domain": world.domain}
        return {"team": {**about, "email_domain": "", "icon": {}}}

    async def user(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/users.info."""
        return {"user": user_of(self._rights.user(call), self._world)}

    async def presence(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/users.getPresence."""
        return {"presence": self._rights.user(call).presence}

    async def users(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/users.list: strangers are not in it."""
        mine = (one for one in self._world.users.values() if one.team == self._world.team)
        rows = [user_of(one, self._world) for one in mine]
        return paged("members", *page(rows, call, default=200, most=1000), cache_ts=1)

    async def by_email(self, call: Call) -> Raw:
        """https://docs.slack.dev/reference/methods/users.lookupByEmail."""
        meant = call.required("email").lower()
        for user in self._world.users.values():
            if user.email.lower() == meant and not user.deleted:
                return {"user": user_of(user, self._world)}
        raise ApiError("users_not_found")
