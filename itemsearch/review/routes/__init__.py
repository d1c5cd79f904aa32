"""The routes of the review application, by what they are about."""
