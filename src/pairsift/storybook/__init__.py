"""The storybook: a small drawn world with captions, and the truth about both."""
