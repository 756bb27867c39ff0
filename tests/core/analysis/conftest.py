"""Property tests are held to what they find, not to how fast a busy machine is."""

from hypothesis import settings

settings.register_profile("spiden", deadline=None)
settings.load_profile("spiden")
